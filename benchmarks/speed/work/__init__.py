"""Work that several cases have in common: trainings, and the images that they read."""
