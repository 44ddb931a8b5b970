"""From names to values: the cards and ops that a spec names, looked up, checked and resolved."""
