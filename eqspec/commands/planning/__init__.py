"""Planning: from the path of a spec to its plans, their cost and what is left to do."""
