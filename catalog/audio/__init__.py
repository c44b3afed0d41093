"""Audio input and output: read any artist's file safely, write, mark, hash and compare.

Pure Python (no Django) except `ranged`. Arrays are float32, shape (channels, samples), C-contiguous.

This package file stays empty of imports: the decoding child (`catalog.audio.child`) starts
through it and must not pay for what it does not use.
"""
