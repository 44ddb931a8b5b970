"""Arguments and output of `eqspec check`."""

from __future__ import annotations

import os

import typer

from eqspec.cli.options import (
    Data,
    Format,
    Json,
    OutputFormat,
    Sets,
    SpecPath,
    data_locations,
    screen_of,
    spec_arguments,
)
from eqspec.errors import SpecError

EXAMPLES = (
    "eqspec check specs/quickstart.yaml",
    "eqspec check specs/quickstart.yaml --set train.batch=128 --set seed=1",
    "eqspec check specs/quickstart.yaml --data ~/pictures",
    "eqspec check specs/quickstart.yaml --json",
    "eqspec check specs/quickstart.yaml --output-format github",
)


def command(
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    as_json: Json = False,
    output_format: Format = None,
) -> int:
    """Find every problem in a spec.

    All problems are reported at once, each with its location. A valid spec is summarised in one
    line. For each dataset whose folder is known, prints the number of images, their sizes and
    classes, and three examples.
    """
    # The threads that numpy's linear algebra starts on import cost more than the check itself.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - only for this process
    from eqspec.cli.render import check as page
    from eqspec.cli.render.github import workflow_commands
    from eqspec.commands.check import check as find

    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ()  # checking again would find the same problems
    shape = OutputFormat.JSON if as_json else output_format or OutputFormat.TEXT
    try:
        found = find(spec, overrides=sets or (), data=data_locations(data, spec=spec))
    except SpecError as error:
        if shape is OutputFormat.TEXT:
            raise
        if shape is OutputFormat.JSON:
            screen.show_json(page.wrong(error.diagnostics))
        else:
            screen.show(workflow_commands(error.diagnostics))
        screen.suggest_after(error)
        return error.exit_status
    if shape is OutputFormat.JSON:
        screen.show_json(page.as_data(found))
    else:
        if shape is OutputFormat.TEXT:
            screen.warn(found.warnings)
        elif found.warnings:
            screen.show(workflow_commands(found.warnings))
        screen.show(page.checked(found, width=screen.wrap))
    screen.suggest("eqspec", "plan", *given)
    return 0
