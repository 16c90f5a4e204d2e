"""Who may sign in to the standalone server: accounts, tokens, patience with wrong tries, and what admins did."""

from .account import Account
from .audit import Audit
from .store import Accounts

__all__ = ["Account", "Accounts", "Audit"]
