"""Notices to people who are elsewhere: what is worth telling, and the channels that it goes out through.

A notice never hurts a run: it is delivered in a thread of its own, with a time limit, and what goes wrong is noted
beside the channel and nowhere else.
"""

from . import chats, mail, webhook  # each enters its kinds of channels; further ones are named here
from .channel import CHANNELS
from .notice import OCCASIONS, Notice
from .service import Notices
from .settings import FOLDER

__all__ = ["CHANNELS", "FOLDER", "OCCASIONS", "Notice", "Notices", "chats", "mail", "webhook"]
