"""Encoders: images [V, B, C, H, W] to tokens [V, B, N, D] or a feature map taken as tokens."""
