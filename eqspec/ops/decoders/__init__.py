"""From tokens back to images or to the features of hidden tokens."""
