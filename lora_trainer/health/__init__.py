"""The health of pictures and captions before a training: what is the matter with them, and what mends it.

gather (subject)  every picture decoded once (look), its caption, what the run makes of it
checks/           a row each: findings with numbers, advice and fixes
fixes             what one click does, kept beside the pictures, with a backup of what was there
"""

from ..files.backup import undo
from .examination import examine, report_on
from .findings import Finding, Fix, Report
from .fixes import DELETE, apply
from .look import Looks
from .subject import FAMILY, Subject, gather

__all__ = [
    "DELETE",
    "FAMILY",
    "Finding",
    "Fix",
    "Looks",
    "Report",
    "Subject",
    "apply",
    "examine",
    "gather",
    "report_on",
    "undo",
]
