"""The embedded base: a Stable Diffusion 1.x at reduced width, trained from nothing on pictures that this package draws."""
