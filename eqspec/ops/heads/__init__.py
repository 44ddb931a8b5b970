"""What stands between tokens and terms: embeddings, projectors, predictors, prototypes."""
