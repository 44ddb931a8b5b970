"""Tensor kernels and torch modules: what ops build.

May import errors. Everything that derives from `torch.nn.Module` and is not the graph itself lives
here, and whatever two ops share; nothing here knows what an op, a card or a spec is.
"""
