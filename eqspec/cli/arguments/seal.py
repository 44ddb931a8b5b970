"""Arguments and output of `eqspec seal`."""

from __future__ import annotations

import typer

from eqspec.cli.options import RUNS, Json, Run, Runs, audit_arguments, runs_arguments, screen_of
from eqspec.errors import FolderMismatch

EXAMPLES = (
    "eqspec seal latest",
    "eqspec seal quickstart/7f3a >> paper/seals.txt",
    "eqspec seal latest --json",
)


def command(context: typer.Context, *, run: Run, runs: Runs = RUNS, as_json: Json = False) -> int:
    """Print the seal of a run, to publish it.

    It is one line, `eqspec-seal 1 NAME RECIPE-sSEED sha256:HASH`, for a paper: the version of the
    format, the run, and the hash of its `record.json`, which has a hash of every other file.
    `eqspec audit RUN --against LINE` compares a run with it. Every file is checked first. The exit
    status is 1 if the run is not sealed, and 3 if a file does not match the seal. Changes no file.
    """
    from eqspec.commands.seal import seal_to_publish
    from eqspec.runs.published_seal import FORMAT
    from eqspec.runs.query import find, run_name

    screen = screen_of(context, runs=runs)
    path = find(runs, reference=run)
    try:
        seal = seal_to_publish(path)
    except FolderMismatch:
        screen.after_error = (*audit_arguments(path, runs=runs), "--level", "L0")
        raise
    if as_json:
        named = seal.run
        assert named is not None, "the seal of a folder names its run"
        what = {"name": named.spec, "recipe": named.recipe, "seed": named.seed}
        screen.show_json({"format": FORMAT, **what, "sha256": seal.sha256, "line": seal.line})
    else:
        screen.show(seal.line)
    name = run_name(runs, path)
    screen.suggest("eqspec", "audit", name, "--against", seal.line, *runs_arguments(runs))
    return 0
