"""The cases, one file each; a file that is added is found by itself."""
