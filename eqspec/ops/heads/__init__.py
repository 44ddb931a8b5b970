"""Heads between tokens and terms: embeddings, projectors, predictors and prototypes."""
