"""Text as CLIP's tokenizers want it: mended, spaces reduced, lower case.

Both tokenizers of a WebUI mend text with the package ftfy, which their requirements install. Where it is missing, the
part of its work that captions meet is done here: typographic quotes, ligatures, full-width letters, control characters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

QUOTES = str.maketrans({**dict.fromkeys("‘’ʼ‚‛", "'"), **dict.fromkeys("“”„‟", '"')})
LIGATURES = str.maketrans(
    {"ĳ": "ij", "ŉ": "ʼn", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st"}
)
WIDE = re.compile("[\u3000\uff01-\uffef]+")
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]")


def clean(text: str, *, unescape: bool) -> str:
    """`text` mended, with single spaces and in lower case; `unescape` also resolves HTML entities (open_clip does)."""
    text = _mender()(text)
    if unescape:
        text = html.unescape(html.unescape(text))
    return " ".join(text.split()).lower()


@lru_cache(maxsize=1)
def _mender() -> Callable[[str], str]:
    try:
        from ftfy import fix_text
    except ImportError:
        return mend
    return fix_text


def mend(text: str) -> str:
    """The part of ftfy.fix_text that captions meet; text that was decoded wrongly is left as it is."""
    if "<" not in text:
        text = html.unescape(text)
    text = WIDE.sub(lambda wide: unicodedata.normalize("NFKC", wide[0]), text.translate(LIGATURES))
    return unicodedata.normalize("NFC", CONTROL.sub("", text.translate(QUOTES)))
