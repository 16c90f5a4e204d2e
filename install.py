"""Run by the WebUI at every start, and by hand: `python install.py`. Changes no package of the WebUI."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lora_trainer.extension.installing import ensure

stamp = ensure()
if stamp.problem:
    print(stamp.problem)
elif sys.stdout.isatty():
    print("Train LoRA has all that it needs.")
