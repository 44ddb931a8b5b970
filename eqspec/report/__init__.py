"""Pages and pictures of runs.

May import errors up to runs.

`eqspec.report.reconstructions.reconstruction_strip` draws the reconstructions of held-out images.
"""
