"""Numbers that depend on the step: a pure function of the step and the length of training."""
