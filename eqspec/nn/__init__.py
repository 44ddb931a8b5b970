"""Tensor functions and torch modules, the building blocks of ops.

May import only errors. Contains every `torch.nn.Module` except the training graph itself, and code
shared by several ops. Nothing here depends on ops, cards or specs.
"""
