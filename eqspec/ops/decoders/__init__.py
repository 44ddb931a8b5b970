"""Decoders, from tokens to images."""
