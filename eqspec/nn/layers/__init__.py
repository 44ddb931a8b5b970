"""Layers and initial values that encoders and heads share."""
