"""Tools around LoRA files: merge, resize, extract, convert. Each is one function; import the file that you need."""
