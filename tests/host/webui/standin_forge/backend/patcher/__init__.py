"""Patches of networks."""
