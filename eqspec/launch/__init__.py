"""Processes that train together: how they are started, and how each finds the others.

May import errors up to build. `eqspec.launch.rank` says which of the processes this one is,
`eqspec.launch.local` starts them on this machine, and `eqspec.launch.group` connects them.
"""
