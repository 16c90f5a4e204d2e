"""`python -m lora_trainer COMMAND`."""

import sys

from .cli.main import main

sys.exit(main())
