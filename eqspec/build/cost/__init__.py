"""Parameters, operations and memory of a plan, traced once and cached."""
