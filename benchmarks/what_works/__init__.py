"""The tables of measured results in README.md and docs/results/.

    python -m benchmarks.what_works collect RUNS    run folders → found.json
    python -m benchmarks.what_works quickstart MACHINE RUNS
                                                    runs of the quickstart → quickstart.json
    python -m benchmarks.what_works render          recorded measurements → the pages

found.json holds runs of `specs/small/`, for docs/results/what-works.md; families.json and
quickstart.json hold one study each, with commit, machine, budget and seeds.

A row is a spec; it counts every finished run of the spec's own recipe, whichever spec made it, so a
method alone is also the base of its composition. `collect` adds to what the file holds already and
drops what has another recipe than the spec has now. No number in the table is written by hand.
"""
