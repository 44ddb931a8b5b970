"""Loss terms as pure functions and as torch modules."""
