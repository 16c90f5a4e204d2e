"""Who holds the base model: the WebUI, Forge, or the trainer itself."""
