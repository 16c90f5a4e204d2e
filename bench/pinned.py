"""`python -m bench.pinned CORE FILE`: the process of a run as it is, kept on a core, that marks its steps in a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lora_trainer import train as training
from lora_trainer.events import Event
from lora_trainer.events import Step as StepEvent
from lora_trainer.jobs import child

from .clock import keep_on, mark


def main() -> int:
    core, file = sys.argv[1:]
    keep_on(int(core) if core else None)
    really_train = training.train

    def marked(*arguments: Any, **more: Any) -> Iterator[Event]:
        with Path(file).open("a", encoding="ascii") as marks:
            for event in really_train(*arguments, **more):
                if isinstance(event, StepEvent):
                    print(json.dumps(mark()), file=marks, flush=True)
                yield event

    training.train = marked  # type: ignore[assignment]
    return child.main()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
