"""From a method card to a typed graph: lower, rewrite, prune, infer; each a function of a draft."""
