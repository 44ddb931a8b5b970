"""The page of `eqspec diff`: differences in tables, those that change the result first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from eqspec.commands.diff.comparand import Comparand
from eqspec.commands.diff.differences import ROWS, Difference, Located, Pair
from eqspec.compile.spec_differences import Matters
from eqspec.report.numbers import distinct, measured, number
from eqspec.report.tables.block import Block, Cell, Span, Style
from eqspec.runs.curves import TRAIN
from eqspec.runs.tables import Cell as Measured
from eqspec.runs.tables import Column, Table
from eqspec.spec.phrases import counted

_ABSENT = "–"
_VALUE = 40
"""Maximum length of a value on the page, in characters."""

_CURVE_NAMES = 4
"""Maximum number of metrics shown of the step at which two curves diverge."""


def blocks(difference: Difference) -> Iterator[Block]:
    """Yield the sections of the page."""
    yield _comparands(difference)
    yield _spec(difference)
    yield _pairs("code", difference.code, difference, same="the same commit and ops")
    yield _pairs("environment", difference.environment, difference, same="the same")
    yield _data(difference)
    yield from _metrics(difference)
    yield _curves(difference)


def as_data(difference: Difference) -> JsonValue:
    """Return the differences as plain data."""
    data = {
        "a": _comparand_data(difference.a),
        "b": _comparand_data(difference.b),
        "spec": [
            {
                "path": one.change.dotted,
                "a": one.change.a,
                "b": one.change.b,
                "matters": one.change.matters,
                "inside": one.change.inside,
                "written_a": one.place_a and f"{one.place_a.file}:{one.place_a.line}",
                "written_b": one.place_b and f"{one.place_b.file}:{one.place_b.line}",
            }
            for one in difference.spec
        ],
        "code": difference.code,
        "environment": difference.environment,
        "data": difference.data,
        "metrics": [_metric_data(*pair) for pair in _pairs_of(difference.table)],
        "unmatched_evaluations": difference.unmatched,
        "evaluation_images": difference.images,
        "findings": difference.findings,
        "curves": difference.curves,
    }
    return to_jsonable_python(data, inf_nan_mode="null")


def _metric_data(column: Column, a: Measured, b: Measured) -> dict[str, object]:
    return {
        "source": column.evaluation,
        "name": column.metric,
        "group": dict(column.group),
        "a": a.value,
        "b": b.value,
        "delta": b.value - a.value,
        "overlap": a.overlaps(b),
    }


def _comparand_data(one: Comparand) -> dict[str, object]:
    plan = one.plan
    return {
        "name": one.name,
        "folder": one.folder,
        "state": one.state,
        "recipe": plan.recipe,
        "seed": plan.seed,
        "step": one.step,
        "steps": plan.train.steps,
    }


def _comparands(difference: Difference) -> Block:
    a, b = difference.a, difference.b
    rows = (
        ("recipe", a.plan.recipe[:8], b.plan.recipe[:8]),
        ("seed", str(a.plan.seed), str(b.plan.seed)),
        ("state", _state(a), _state(b)),
    )
    return Block("runs", titles=("", f"A  {a.name}", f"B  {b.name}"), rows=rows)


def _state(one: Comparand) -> str:
    if one.state is None:
        return "a spec, not a run"
    steps = one.plan.train.steps
    if not steps:
        return f"{one.state.value}, nothing to train"
    return f"{one.state.value}, step {number(one.step)} of {number(steps)}"


def _spec(difference: Difference) -> Block:
    by = {m: [o for o in difference.spec if o.change.matters is m] for m in Matters}
    weights, measuring, cosmetic = by.values()
    if not difference.spec:
        return Block("spec", note="the same")
    kinds = [_counted(weights, "changes the weights", "change the weights")]
    if measuring:
        kinds.append(_counted(measuring, "changes what is measured", "change what is measured"))
    if cosmetic:
        paths = ", ".join(o.change.dotted for o in cosmetic)
        kinds.append(f"{len(cosmetic)} cosmetic ({paths})")
    return Block(
        "spec",
        note=" · ".join(kinds),
        titles=("", *ROWS, "location"),
        rows=tuple(_change(one) for one in (*weights, *measuring)),
    )


def _counted(changes: list[Located], one: str, many: str) -> str:
    return f"{len(changes)} {one if len(changes) == 1 else many}" if changes else f"0 {many}"


def _change(one: Located) -> tuple[Cell, ...]:
    change = one.change
    style: Style = "warning" if change.matters is Matters.WEIGHTS else ""
    places = (("A", one.place_a), ("B", one.place_b))
    where = [f"{name} {Path(at.file).name}:{at.line}" for name, at in places if at is not None]
    where += [f"{counted(change.inside, 'value')} inside"] if change.inside else []
    return (Span(change.dotted, style), _value(change.a), _value(change.b), ", ".join(where))


def _value(value: JsonValue) -> str:
    match value:
        case None:
            text = _ABSENT
        case str():
            text = value
        case bool() | list() | dict():
            text = json.dumps(value, ensure_ascii=False)
        case int() | float():
            text = number(value)
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _pairs(title: str, pairs: tuple[Pair, ...], difference: Difference, *, same: str) -> Block:
    if not (difference.a.environment and difference.b.environment):
        same = "recorded for runs only"
    if not pairs:
        return Block(title, note=same)
    rows = tuple((pair.name, _value(pair.a), _value(pair.b)) for pair in pairs)
    return Block(title, titles=("", *ROWS), rows=rows)


def _data(difference: Difference) -> Block:
    pair = difference.data
    known = [v for v in (pair.a, pair.b) if isinstance(v, str)]
    if len(known) < 2:
        return Block("data", note="unknown: not read by both", remarks=difference.images)
    if pair.a == pair.b:
        return Block(
            "data", note=f"the same, fingerprint {known[0][:12]}", remarks=difference.images
        )
    row = (pair.name, known[0][:12], known[1][:12])
    return Block("data", titles=("", *ROWS), rows=(row,), remarks=difference.images)


def _metrics(difference: Difference) -> Iterator[Block]:
    steps = difference.a.step, difference.b.step
    table = difference.table
    for name in table.evaluations:
        pairs = _pairs_of(table.of_evaluation(name))
        note = "the last step" if name == TRAIN else ""
        if name == TRAIN and steps[0] != steps[1]:
            note = f"A after step {number(steps[0])}, B after step {number(steps[1])}"
        if any(a.overlaps(b) is not None for _, a, b in pairs):
            note = "with 95 % intervals over held-out samples, each encoder fixed"
        yield Block(
            f"metrics  {name}",
            note=note,
            titles=("", *ROWS, "Δ (B − A)", ""),
            rows=tuple(_measurement(column, a, b) for column, a, b in pairs),
            right=(1, 2, 3),
        )
    if difference.unmatched:
        named = ", ".join(f"{one.evaluation} ({one.why})" for one in difference.unmatched)
        yield Block("metrics", note=f"not compared: {named}")
    for finding in difference.findings:
        yield Block("metrics", note=finding)


def _pairs_of(table: Table) -> tuple[tuple[Column, Measured, Measured], ...]:
    """Pair the cells of A and B in every column."""
    a, b = (table.row(row) for row in ROWS)
    return tuple((column, a[column], b[column]) for column in table.columns)


def _measurement(column: Column, a: Measured, b: Measured) -> tuple[Cell, ...]:
    delta, overlap = b.value - a.value, a.overlaps(b)
    words = {True: "intervals overlap", False: "intervals apart", None: ""}
    shown = "=" if delta == 0 else _figure(delta, signed=True)
    style: Style = "strong" if overlap is False else ""
    return (column.label, *_both(a.value, b.value), Span(shown, style), words[overlap])


def _both(a: float, b: float) -> tuple[str, str]:
    if math.isnan(a) or math.isnan(b):
        return _figure(a), _figure(b)
    return distinct(a, b)


def _figure(value: float, *, signed: bool = False) -> str:
    if math.isnan(value):
        return _ABSENT
    return measured(value, signed=signed)


def _curves(difference: Difference) -> Block:
    curves = difference.curves
    if curves is None:
        return Block("curves", note="nothing to compare: both need at least one step")
    only = [
        f"Only {comparand} has {', '.join(names)}."
        for comparand, names in (("A", curves.only_a), ("B", curves.only_b))
        if names
    ]
    if curves.parting is None:
        through = number(curves.through)
        note = (
            f"equal bit for bit through step {through}" if curves.through else "no step in common"
        )
        return Block("curves", note=note, remarks=tuple(only))
    parting = curves.parting
    before = "from the start" if not curves.equal_rows else "equal bit for bit before"
    shown = parting.gaps[:_CURVE_NAMES]
    if len(parting.gaps) > len(shown):
        only.insert(0, f"{len(parting.gaps) - len(shown)} more differ at that step.")
    return Block(
        "curves",
        note=f"diverge at step {number(parting.step)}, {before}",
        titles=("", *ROWS, "relative"),
        rows=tuple((g.name, *distinct(g.a, g.b), _figure(g.relative)) for g in shown),
        right=(1, 2, 3),
        remarks=tuple(only),
    )
