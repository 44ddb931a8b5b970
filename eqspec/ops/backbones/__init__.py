"""Encoders, from images [V, B, C, H, W] to tokens [V, B, N, D]."""
