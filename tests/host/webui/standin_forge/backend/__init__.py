"""Forge's backend in small: networks that are moved and patched by others."""
