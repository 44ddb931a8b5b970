"""Every code of a diagnostic, each with a page: what, why, fix, and an example."""
