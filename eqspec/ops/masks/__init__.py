"""Which tokens are hidden or kept, drawn with a fixed capacity known when the plan is made."""
