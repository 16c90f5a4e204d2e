"""Who may sign in to the standalone server: accounts with hashed passwords, tokens, and patience with wrong tries."""

from .account import Account
from .store import Accounts

__all__ = ["Account", "Accounts"]
