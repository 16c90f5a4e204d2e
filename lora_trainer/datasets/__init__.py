"""Data sets as a page handles them: named folders that pictures are dropped into, and folders opened in place."""

from .folder import DataSetFolder, Item
from .intake import Added, Refused
from .roots import Roots, roots_of
from .store import DataSets, NoSuchDataSet

__all__ = ["Added", "DataSetFolder", "DataSets", "Item", "NoSuchDataSet", "Refused", "Roots", "roots_of"]
