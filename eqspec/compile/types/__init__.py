"""The plan and its parts as frozen data, the output of the compiler."""
