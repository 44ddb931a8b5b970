"""Optimizers; the engine sets learning rate and weight decay in every step."""
