"""Processes that train together: where tensors live, and how the processes agree."""
