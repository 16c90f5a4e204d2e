"""Optimizers that torch lacks, one paper per file.

Written here rather than installed: they add no package to any host, never wait for a GPU in a step, and keep their
whole state in tensors and plain numbers, so that a resumed run goes on to the bit.
"""
