"""Train LoRA: trains LoRAs on the checkpoint that is already loaded, inside the WebUI or without one."""

__version__ = "0.1.0"
