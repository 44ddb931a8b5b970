"""Planning: from the path of a spec to its plans, their cost and their remaining stages."""
