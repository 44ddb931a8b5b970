"""Transform families, from which paths are drawn; each point of a path is computed directly."""
