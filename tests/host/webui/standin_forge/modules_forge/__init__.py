"""Forge's own package, as far as it matters here."""
