"""Protocols that judge a frozen encoder by its features."""
