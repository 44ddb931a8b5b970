"""Random masks: which tokens are masked or kept, with sizes that are fixed in the plan."""
