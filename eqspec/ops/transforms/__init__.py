"""Families of transformations: what a path is drawn from, and how each point is made in one go."""
