"""Arguments and output of `eqspec explain`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.options import Json, Sets, screen_of
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.cli.screen import Screen

EXAMPLES = (
    "eqspec explain                                  list all error codes",
    "eqspec explain EQ021                            explain an error code",
    "eqspec explain equivariance.lambda              explain a field",
    "eqspec explain quickstart                       list all values of a spec",
    "eqspec explain quickstart train.batch           a value and its origin",
    "eqspec explain quickstart method.projector.widths",
    "eqspec explain runs/quickstart/1a2b3c4d-s0 train.batch",
)

_CODE = re.compile(r"EQ\d+", re.IGNORECASE)


def command(
    context: typer.Context,
    *,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE|PATH|SPEC|RUN", help="An error code, a field, a spec or a run folder."
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Argument(metavar="PATH", help="Dotted path of a value in the spec or run."),
    ] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> int:
    """Explain an error code, or a value of a spec.

    For a value, shows its meaning, unit, default, the value in the paper, and its origin: a line
    of the spec, `--set`, a card, or a default.
    """
    from eqspec.commands.explain.lookup import is_spec

    screen = screen_of(context)
    screen.after_error = ("eqspec", "explain")
    if topic is not None and (Path(topic) / "plan.json").is_file():
        _run(screen, topic, path, sets=sets or [], as_json=as_json)
    elif topic is not None and is_spec(topic) and not _CODE.fullmatch(topic):
        _spec(screen, topic, path, sets=sets or [], as_json=as_json)
    elif path is not None or sets:
        raise UsageError(f"`{topic}` is not a spec", help="eqspec explain SPEC PATH")
    else:
        _topic(screen, topic, as_json=as_json)
    return 0


def _topic(screen: Screen, topic: str | None, *, as_json: bool) -> None:
    from eqspec.cli.render import explain as page
    from eqspec.commands.explain.lookup import explain_code, explain_field
    from eqspec.spec.codes.all_codes import CODES

    if topic is None:
        screen.show_json(page.codes_data()) if as_json else screen.show(
            page.codes(width=screen.wrap)
        )
        screen.suggest("eqspec", "explain", next(iter(CODES)))
        return
    if _CODE.fullmatch(topic):
        code = explain_code(topic)
        shown, data = page.code(code, width=screen.width), page.code_data(code)
    else:
        field = explain_field(topic)
        shown, data = page.value(field, width=screen.width), page.value_data(field)
    screen.show_json(data) if as_json else screen.show(shown)
    screen.suggest("eqspec", "explain")


def _run(screen: Screen, run: str, path: str | None, *, sets: list[str], as_json: bool) -> None:
    from eqspec.cli.render import explain as page
    from eqspec.commands.explain.lookup import explain_run, explain_value_of_run

    screen.after_error = ("eqspec", "show", run)
    if sets:
        message = "`--set` cannot change an existing run"
        raise UsageError(message, help=f"eqspec explain {run}/resolved.yaml PATH --set …")
    leaves = explain_run(Path(run), path)
    found = None
    if path is not None and len(leaves) == 1:
        found = explain_value_of_run(Path(run), path, leaves[0])
    if found is not None:
        shown, data = page.value(found, width=screen.width), page.value_data(found)
    else:
        shown, data = page.leaves(leaves, width=screen.wrap), page.leaves_data(leaves)
    screen.show_json(data) if as_json else screen.show(shown)
    screen.suggest("eqspec", "show", run)


def _spec(screen: Screen, spec: str, path: str | None, *, sets: list[str], as_json: bool) -> None:
    from eqspec.cli.render import explain as page
    from eqspec.commands.explain.lookup import explain_all, explain_value

    _refuse_plan(spec, screen=screen)
    given = (spec, *(part for one in sets for part in ("--set", one)))
    screen.after_error = ()  # `check` would find the same mistake in the same arguments
    if path is None:
        leaves = explain_all(Path(spec), overrides=sets)
        if as_json:
            screen.show_json(page.leaves_data(leaves))
        else:
            screen.show(page.leaves(leaves, width=screen.wrap))
        screen.suggest("eqspec", "explain", *given, leaves[0].path)
        return
    screen.after_error = ("eqspec", "explain", *given)
    found = explain_value(Path(spec), path, overrides=sets)
    if as_json:
        screen.show_json(page.value_data(found))
    else:
        screen.show(page.value(found, width=screen.width))
    screen.suggest("eqspec", "check", *given)


def _refuse_plan(path: str, *, screen: Screen) -> None:
    from eqspec.commands.planning.plan_files import is_plan

    if is_plan(Path(path)):
        screen.after_error = ("eqspec", "plan", path)
        raise UsageError(
            f"`{path}` is a plan; `eqspec explain` reads specs and run folders",
            help=f"`eqspec plan {path}` shows it; for a value and its origin, name the spec that "
            "was planned: `eqspec explain SPEC PATH`",
        )
