"""Output of `eqspec check`: the summary of a valid spec, and diagnostics as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from eqspec.cli.columns import aligned
from eqspec.commands.check import CheckResult, PlanSummary
from eqspec.errors import Diagnostic
from eqspec.ops.left_out import LeftOut
from eqspec.report.numbers import number
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.commands.planning.inspect_dataset import DataFound, Sample


def checked(result: CheckResult, *, width: int | None) -> Text:
    """Return one line per plan, wrapped at a width."""
    rows = [
        [Text("ok", "bold green"), Text(plan.name, "bold"), _one_line(plan)]
        for plan in result.plans
    ]
    needed = [
        [Text("need", "bold yellow"), Text(name, "bold"), f"needed by a run: --data {name}=DIR"]
        for name in result.needed
    ]
    return aligned([*rows, *_data_rows(result.data), *needed], width=width)


def _data_rows(found: Sequence[DataFound]) -> list[Sequence[Text | str]]:
    """Return rows with the number of images, their sizes and examples of each dataset."""
    rows: list[Sequence[Text | str]] = []
    for data in found:
        classes = counted(data.classes, "class", "classes") if data.classes else "no classes"
        images = counted(data.train, "image" if data.views == 1 else "object")
        images += "" if data.views == 1 else f" in {data.views} views each"
        images += f" for training, {number(data.heldout)} held out"
        (left, top), (right, bottom) = data.smallest, data.largest
        sizes = (
            f"{left}×{top}"
            if data.smallest == data.largest
            else (f"{left} to {right} px wide, {top} to {bottom} px high")
        )
        rows += [
            [Text("data", "bold green"), Text(data.name, "bold"), f"{images}, {classes}"],
            ["", "", f"in {data.folder}{_splits(data)}"],
            ["", "", f"{sizes} ({counted(data.inspected, 'image')} inspected)"],
        ]
        rows += [["", "", _sample(sample)] for sample in data.samples]
        rows += [[Text("skip", "bold yellow"), "", reason] for reason in data.unreadable]
        if data.unreadable:
            rows.append([Text("note", "bold yellow"), "", _most_damaged(data)])
        rows += [[Text("skip", "bold yellow"), "", _left_out(one)] for one in data.left_out]
        rows += [[Text("note", "bold yellow"), "", note] for note in data.notes]
    return rows


def _most_damaged(data: DataFound) -> str:
    """State how many damaged images are replaced before a run stops."""
    most = counted(data.most_unreadable, "damaged training image")
    return f"a run replaces at most {most} (`unreadable`), then it stops"


def _splits(data: DataFound) -> str:
    names = [f"{name}/" for name in data.splits]
    return f": {', held out '.join(names)}" if names else ""


def _left_out(one: LeftOut) -> str:
    """Describe files or folders that are not read."""
    one_, many = {
        "folder": ("folder", "folders"),
        "file": ("file without an ending", "files without an ending"),
    }.get(one.kind, (f"{one.kind} file", f"{one.kind} files"))
    if one.count == 1:
        return f"1 {one_}: {one.reason} ({one.example})"
    return f"{number(one.count)} {many}: {one.reason} (such as {one.example})"


def _sample(sample: Sample) -> str:
    label = "" if sample.label is None else f", {sample.label}"
    size = f"{sample.width}×{sample.height}"
    if sample.latents is None:
        return f"image {number(sample.index)}: {size}, mean {sample.mean:.3f}{label}"
    latents = " ".join(f"{value:.3f}" for value in sample.latents)
    return f"object {number(sample.index)}: {size}, mean {sample.mean:.3f}{label}, {latents}"


def _one_line(plan: PlanSummary) -> str:
    method = plan.method or "no training"
    if plan.equivariance is not None:
        method += f" + {plan.equivariance}"
        method += f"({plan.transform})" if plan.transform is not None else ""
    length = (f"{counted(plan.steps, 'step')} × {number(plan.batch)}",) if plan.steps else ()
    data = f"{plan.data} {plan.image} px"
    backbone = plan.backbone if plan.weights is None else f"{plan.backbone} ({plan.weights})"
    recipe = f"{plan.recipe[:8]}-s{plan.seed}"
    return " · ".join((method, backbone, data, *length, recipe))


def as_data(result: CheckResult) -> dict[str, Any]:
    """Return the result for a valid spec as plain data."""
    return {
        "ok": True,
        "plans": [dataclasses.asdict(plan) for plan in result.plans],
        "data": [{**dataclasses.asdict(d), "folder": str(d.folder)} for d in result.data],
        "needed": list(result.needed),
        "diagnostics": _diagnostics(result.warnings),
    }


def wrong(found: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return the problems of an invalid spec as plain data."""
    return {"ok": False, "plans": [], "diagnostics": _diagnostics(found)}


def _diagnostics(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    return [
        {
            "code": d.code,
            "severity": d.severity.value,
            "message": d.message,
            "file": None if d.location is None else d.location.file,
            "line": None if d.location is None else d.location.line,
            "column": None if d.location is None else d.location.column,
            "end_column": None if d.location is None else d.location.end_column,
            "label": d.label or None,
            "also": [
                {"file": p.file, "line": p.line, "column": p.column, "label": label}
                for p, label in d.also
            ],
            "help": d.help,
            "notes": list(d.notes),
        }
        for d in found
    ]
