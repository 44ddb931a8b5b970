"""Counter-based random draws, and what is drawn with them."""
