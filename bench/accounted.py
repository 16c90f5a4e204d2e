"""Runs a training up to its first finished step and prints what this process has used by then."""

from __future__ import annotations

import json
import resource
import sys
import time


def main() -> None:
    from lora_trainer import own_process

    own_process.begin()
    from lora_trainer import options
    from lora_trainer.cli.main import parse
    from lora_trainer.cli.train import given_values
    from lora_trainer.events import Failed, Step
    from lora_trainer.host.standalone import StandaloneHost
    from lora_trainer.train import train

    config = options.build(given_values(parse(sys.argv[1:])))
    for event in train(config, StandaloneHost(config.base, config.memory)):
        if isinstance(event, Failed):
            raise SystemExit(event.message)
        if isinstance(event, Step):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps({"cpu": time.process_time(), "peak": peak}))
            return


if __name__ == "__main__":
    main()
