"""The one place that names devices: which to use, their memory, how warm they are, and reading numbers back late."""

from .choice import alone, choose, choose_dtype, every, full_name, label, noise_source, precision_of
from .later import Later
from .memory import card_memory, is_out_of_memory, memory_beside, memory_of, release_memory, used_memory
from .peak import EXACT, SAMPLED, Peak
from .thermal import temperature

__all__ = [
    "EXACT",
    "SAMPLED",
    "Later",
    "Peak",
    "alone",
    "card_memory",
    "choose",
    "choose_dtype",
    "every",
    "full_name",
    "is_out_of_memory",
    "label",
    "memory_beside",
    "memory_of",
    "noise_source",
    "precision_of",
    "release_memory",
    "temperature",
    "used_memory",
]
