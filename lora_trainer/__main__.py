"""`python -m lora_trainer COMMAND`."""

import sys

from . import own_process

own_process.begin()

from .cli.main import main  # noqa: E402

sys.exit(main())
