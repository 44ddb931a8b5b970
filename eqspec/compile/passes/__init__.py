"""The steps from a method card to a typed graph, each a function from draft to draft."""
