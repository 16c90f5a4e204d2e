"""Files and folders that a command line names."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from ..pocket.embedded import is_embedded

DATA = Path("out/ui")
"""Where `ui` keeps data sets, runs and LoRAs."""


def require(*paths: Path | str | None) -> None:
    """Raise ConfigError with a sentence for each path that is not there; empty ones and the embedded base are none."""
    named = [str(path) for path in paths if path and not is_embedded(str(path))]
    missing = [path for path in dict.fromkeys(named) if not Path(path).expanduser().exists()]
    if missing:
        raise ConfigError([f"'{path}' does not exist. Check the path." for path in missing])
