"""The table in docs/results/what-works.md, rendered from runs of `specs/small/`.

    python -m benchmarks.what_works collect RUNS    run folders → found.json
    python -m benchmarks.what_works render          found.json → the table in the page

A row is a spec; it counts every finished run of the spec's own recipe, whichever spec made it, so a
method alone is also the base of its composition. `collect` adds to what the file holds already and
drops what has another recipe than the spec has now. No number in the table is written by hand.
"""
