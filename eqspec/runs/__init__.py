"""The record: run folders, journals, checkpoints and the seal over them.

May import errors up to build; not engine or evals. Plain files are the truth, and each is whole or
absent; docs/run-folder.md describes the layout.

`eqspec.runs.folder.RunFolder` is one run.
"""
