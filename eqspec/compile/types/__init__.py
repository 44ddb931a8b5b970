"""The plan and its parts as frozen data: what the compiler hands to everything that runs."""
