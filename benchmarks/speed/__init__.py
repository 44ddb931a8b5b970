"""Speed of eqspec beside other programs that do the same work, and beside the machine's limits.

    python -m benchmarks.speed list                      the cases
    python -m benchmarks.speed run [CASE …]              measure; results.json and the page
    python -m benchmarks.speed run --quick [CASE …]      small sizes, a minute each; records nothing
    python -m benchmarks.speed run --device cuda a e g   on a GPU
    python -m benchmarks.speed render                    results.json → docs/results/speed.md

A case has contestants that do the same work. Each is prepared once, in a process of its own, and
then they take turns; a ratio is the median over rounds of the ratio within a round, so that a
machine that drifts slows both sides alike. `a` selects `a-fp32`, `a-bf16` and so on.
"""
