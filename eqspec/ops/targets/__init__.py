"""Targets: what an image is labelled with, and how it follows the image's geometry.

One file per type, each frozen data of numpy arrays with `decode…` and `moved(geometry)`;
`union.py` has their union, `kinds.py` what ops declare of them, `collate.py` puts a batch together.
"""
