"""`python -m lora_trainer COMMAND`."""

import os
import sys

# With several threads, MKL's results depend on where in memory matrices happen to lie, unless it is told otherwise
# before its first use. A resumed run is to end bit-identical, so this program's own process asks for that.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
# oneDNN keeps the kernels that it has made, 1,024 of them by default, the oldest going first. A U-Net needs some 500
# for every shape of pictures, so with a few buckets all would be made anew in every step.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")

from .cli.main import main

sys.exit(main())
