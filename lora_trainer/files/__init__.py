"""LoRA files: names, metadata, writing, reading back, and what is in them. Import the file that you need."""
