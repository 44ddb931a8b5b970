"""Pages and pictures of runs.

May import errors up to runs.

`eqspec.report.reconstructions.reconstruction_strip` draws what a program's decoders make of
held-out images.
"""
