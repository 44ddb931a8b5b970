"""Processes: the same run on several devices or machines.

May import errors up to runs; not report.

`eqspec.launch.local.launch` starts one process per device here.
"""
