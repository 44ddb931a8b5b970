"""The page after a series of runs: tables of results, gradient ratios and the cost of each run."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from rich.text import Text

from eqspec.cli.columns import aligned
from eqspec.cli.layout import wrapped
from eqspec.cli.render.blocks import drawn
from eqspec.commands.running.comparison import Comparison, Done
from eqspec.commands.running.usage import Added, Effort, Pull
from eqspec.report.floors import reconstruction_sentence
from eqspec.report.numbers import duration, large, number
from eqspec.report.strip import STRIP
from eqspec.report.tables.comparison import EvaluationTable, block

Line = list[str | Text]


def compared(comparison: Comparison, done: Sequence[Done], *, width: int) -> Text:
    """Return the whole page."""
    parts = [
        *([tables(comparison, width=width)] if comparison.tables else []),
        *(
            wrapped(f"{name}: {reconstruction_sentence(one)}", width=width)
            for name, one in comparison.reconstructions.items()
        ),
        *(_pull(pull, width=width) for pull in comparison.pulls),
        _efforts(comparison.efforts, width=width),
        folders(done, strips=True, width=width),
    ]
    return Text("\n\n").join(parts)


def as_data(comparison: Comparison, done: Sequence[Done]) -> JsonValue:
    """Return the comparison as plain data."""
    runs = [
        {
            "name": one.name,
            "recipe": one.plan.recipe,
            "seed": one.plan.seed,
            "folder": one.folder,
            "strip": strip if (strip := one.folder / STRIP).is_file() else None,
        }
        for one in done
    ]
    return to_jsonable_python(
        {
            "tables": [_table_data(one) for one in comparison.tables],
            "efforts": comparison.efforts,
            "pulls": comparison.pulls,
            "reconstructions": comparison.reconstructions,
            "runs": runs,
        }
    )


def _table_data(found: EvaluationTable) -> dict[str, object]:
    rows = [
        {
            "name": row.name,
            "kind": row.kind,
            "measurements": [
                {
                    "metric": column.metric,
                    "group": dict(column.group),
                    "value": one.value,
                    "unit": one.unit,
                    "intervals": one.intervals,
                    "n": one.n,
                    "protocol": one.protocol,
                    "remark": cell.remark,
                }
                for column, cell in row.cells.items()
                for one in cell.measurements
            ],
        }
        for row in found.table.rows
    ]
    return {
        "evaluation": found.evaluation,
        "title": found.summary.title,
        "data": found.data,
        "heldout": found.heldout,
        "units": found.units,
        "caveats": found.caveats,
        "notes": found.notes,
        "rows": rows,
    }


def tables(comparison: Comparison, *, width: int) -> Text:
    """Draw one table for every evaluation."""
    return drawn(map(block, comparison.tables), width=width)


def _pull(pull: Pull, *, width: int) -> Text:
    ratio = "–" if pull.ratio is None else f"{pull.ratio:.2g}"
    text = (
        f"{pull.name}: at the encoder's output, the gradient of the added terms "
        f"({'; '.join(map(_added, pull.added))}) is {ratio} times as large as that of the method's "
        f"own, last measured at step {number(pull.step)}."
    )
    weighted = any(added.by_lambda for added in pull.added)
    if weighted and pull.paper == "arXiv:2503.18753":  # the only one whose λ is that of a spec
        text += " The paper uses λ = 1 over 800 epochs."
    return wrapped(text, width=width)


def _added(added: Added) -> str:
    weight = "scheduled" if added.weight is None else number(added.weight)
    symbol = "λ" if added.by_lambda else "weight"
    parts = (f"{added.term}, {symbol} = {weight}", added.reduction)
    return ", ".join(filter(None, parts))


def _efforts(efforts: Sequence[Effort], *, width: int) -> Text:
    if not any(e.samples for e in efforts):  # nothing was trained
        return aligned(
            [["", Text("encoder", "dim")]]
            + [[Text(e.name, "cyan"), large(e.encoder)] for e in efforts],
            gap=4,
            right=(1,),
        )
    compiled = any(e.compiling for e in efforts)
    columns = ("samples seen", "steps took", *(("of which compiling",) if compiled else ()))
    titles = ("", *(Text(t, "dim") for t in (*columns, "parameters", "encoder")))
    lines: list[Line] = [
        [
            Text(e.name, "cyan"),
            number(e.samples),
            duration(e.seconds),
            *([_compiling(e)] if compiled else []),
            large(e.parameters),
            large(e.encoder),
        ]
        for e in efforts
    ]
    right = range(1, len(titles))
    return aligned(lines, titles=titles, gap=4, right=right, width=width)


def _compiling(effort: Effort) -> str:
    late = f", {effort.compiled_late} late" if effort.compiled_late else ""
    return f"{duration(effort.compiling)}{late}"


def folders(done: Sequence[Done], *, strips: bool, width: int) -> Text:
    """List the folders of the runs.

    Args:
        strips: also list their figures of reconstructions, which `run` draws.
    """
    lines: list[Line] = [[Text(one.name, "cyan"), str(one.folder)] for one in done]
    drawn_strips = [strip for one in done if (strip := one.folder / STRIP).is_file()]
    lines += [[Text("reconstructions"), str(strip)] for strip in drawn_strips if strips]
    return aligned(lines, gap=4, width=width)
