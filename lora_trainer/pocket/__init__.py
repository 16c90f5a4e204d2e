"""The embedded base: a small Stable Diffusion 1.x, trained from nothing on pictures that this package draws."""
