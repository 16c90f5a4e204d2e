"""Folders; a test sets them to its own."""

data_path = models_path = script_path = ""
