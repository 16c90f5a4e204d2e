"""Twins: diffusers and transformers modules that share every tensor with a base of the original (ldm) layout.

A twin is built on the `meta` device and filled with the tensors that it is given, so it costs no memory; the key maps
here name the same tensor in both worlds.
"""
