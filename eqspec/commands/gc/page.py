"""The page of `eqspec gc`: the files that were removed, or would be."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from eqspec.commands.gc.collect import Collection, Freed
from eqspec.report.numbers import number, on_disk
from eqspec.report.tables.block import Block
from eqspec.spec.phrases import counted


def blocks(collection: Collection, *, dry_run: bool) -> Iterator[Block]:
    """Yield the sections of the page."""
    title = "would be removed" if dry_run else "removed"
    rows = tuple(_row(one) for one in collection.freed)
    note = f"{on_disk(collection.bytes)} from {len(rows)} of {counted(collection.runs, 'run')}"
    yield Block(title, note=note if rows else "nothing", rows=rows, right=(1,))
    if collection.skipped:
        skipped = tuple((one.name, one.reason) for one in collection.skipped)
        yield Block("left alone", rows=skipped)


def as_data(collection: Collection, *, dry_run: bool) -> JsonValue:
    """Return the collection as plain data."""
    return {
        "dry_run": dry_run,
        "bytes": collection.bytes,
        **to_jsonable_python(collection),
    }


def _row(one: Freed) -> tuple[str, ...]:
    removed: list[str] = []
    if one.steps:
        rule = f"keep: last {one.keep.last}"
        rule += f", every {counted(one.keep.every, 'step')}" if one.keep.every else ""
        removed.append(f"checkpoints of steps {', '.join(map(number, one.steps))} ({rule})")
    if one.leftovers:
        removed.append(f"left by killed writes: {', '.join(one.leftovers)}")
    return (one.name, on_disk(one.bytes), "; ".join(removed))
