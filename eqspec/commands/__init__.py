"""The use cases: `eqspec X` is X.py, or the folder X. The only place where the layers meet.

May import everything but cli. A command takes plain values, returns or yields frozen ones, and
prints nothing; cli parses what goes in and renders what comes out.
"""
