"""What is measured on frozen features: classifiers, regressions, ranks, and their statistics."""
