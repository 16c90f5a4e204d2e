"""`python -m lora_trainer COMMAND`."""

import os
import sys

# With several threads, MKL's results depend on where in memory matrices happen to lie, unless it is told otherwise
# before its first use. A resumed run is to end bit-identical, so this program's own process asks for that.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

from .cli.main import main

sys.exit(main())
