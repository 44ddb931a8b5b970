"""`eqspec check`: its arguments, and what it says."""

from __future__ import annotations

import typer

from eqspec.cli.options import Data, Json, Sets, SpecPath, screen_of, spec_arguments
from eqspec.errors import SpecError

EXAMPLES = (
    "eqspec check specs/quickstart.yaml",
    "eqspec check specs/quickstart.yaml --set train.batch=128 --set seed=1",
    "eqspec check specs/quickstart.yaml --json",
)


def command(
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Finds every problem of a spec.

    Each with its place, all in one pass. Where there is none, says in a line what the spec is.
    """
    from eqspec.cli.render import check as page
    from eqspec.commands.check import check as find

    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    try:
        found = find(spec, overrides=sets or (), data=data)
    except SpecError as error:
        if not as_json:
            raise
        screen.show_json(page.wrong(error.diagnostics))
        screen.suggest_after(error)
        return error.exit_status
    if as_json:
        screen.show_json(page.as_data(found))
    else:
        screen.warn(found.warnings)
        screen.show(page.checked(found, width=screen.wrap))
    screen.suggest("eqspec", "plan", *given)
    return 0
