"""Networks on top of an encoder: projectors, predictors, decoders."""
