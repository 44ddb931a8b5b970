"""Blocks of a page as data, independent of terminals and file formats."""
