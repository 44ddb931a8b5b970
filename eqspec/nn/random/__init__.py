"""Counter-based random numbers, and the ranges and masks drawn with them."""
