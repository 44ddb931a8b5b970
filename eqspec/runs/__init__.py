"""Run folders: journals, checkpoints, results and the seal over them.

May import errors up to build; not engine or evals. The state of a run is its plain files, and each
of them is complete or absent; docs/run-folder.md describes the layout.

`eqspec.runs.folder.RunFolder` is one run.
"""
