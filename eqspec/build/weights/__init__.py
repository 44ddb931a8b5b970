"""Files of weights: found, screened, matched by name, loaded."""
