"""The conditions of the catalogue, a file each; `catalogue` imports them all."""
