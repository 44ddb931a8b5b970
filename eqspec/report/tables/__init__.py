"""Blocks of a page as data: tables that know neither a screen nor a file format."""
