"""The table of fault injection in docs/results/torture.md, rendered by `make torture`.

    python -m benchmarks.torture collect FOLDER    counts of the tests → found.json
    python -m benchmarks.torture render            found.json → the table in the page

The tests are those marked `torture`; tests/torture/conftest.py says how to count a case. No number
in the table is written by hand.
"""
