"""Runs that were: found again, compared, judged blind, remarked on, and cleared away. It knows run folders alone."""

from .archive import History
from .ballots import Ballots
from .past import Past
from .search import Query
from .space import KINDS

__all__ = ["KINDS", "Ballots", "History", "Past", "Query"]
