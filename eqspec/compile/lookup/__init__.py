"""Name resolution: the cards and ops that a spec names, looked up, validated and resolved."""
