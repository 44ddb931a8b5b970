"""Layers and initialisation shared by encoders and heads."""
