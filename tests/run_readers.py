"""All commands that read a run folder without training; none may fail with a traceback."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from eqspec.commands.audit.levels import AuditOptions, Level, audit
from eqspec.commands.audit.suite import audit_member, suite_runs
from eqspec.commands.diff.differences import diff
from eqspec.commands.gc.collect import gc
from eqspec.commands.planning.data_locations import NO_LOCATIONS
from eqspec.commands.seal import seal_to_publish
from eqspec.commands.show.run import show_run
from eqspec.commands.status.overview import status
from eqspec.errors import EqspecError
from eqspec.runs.published_seal import PublishedSeal
from eqspec.runs.query import find
from tests.damage import Drawn, damaged_bytes, damaged_json

_AGAINST = AuditOptions(against=(PublishedSeal("0" * 64, None),))

SLOWEST = 5.0
"""Seconds of this process that a reader may take."""


def readers(root: Path, name: str, other: str) -> dict[str, Callable[[], object]]:
    """By name, what reads one run below a folder (and compares it with another)."""
    path = root / name
    return {
        "status": lambda: status(root),
        "show": lambda: show_run(path, root=root),
        "find": lambda: find(root, reference=name[:-1]),
        "audit": lambda: audit(path, root=root, level=Level.INTACT),
        "seal": lambda: seal_to_publish(path),
        "against": lambda: audit(path, root=root, level=Level.INTACT, options=_AGAINST),
        "suite": lambda: tuple(
            audit_member(one, root=root, level=Level.INTACT, data=NO_LOCATIONS, options=_AGAINST)
            for one in suite_runs(root)
        ),
        "diff": lambda: diff(name, other, root=root),
        "gc": lambda: gc(root, dry_run=True),
    }


def read_all(root: Path, name: str, other: str) -> None:
    """Has everything read a run; a damaged one may be refused, in words and in time."""
    for reader, read in readers(root, name, other).items():
        began = time.process_time()
        with _explained(reader):
            found = read()
            if reader == "status":
                assert other in {one.run.name for one in found.runs}, "another run is hidden"
        took = time.process_time() - began
        assert took < SLOWEST, f"{reader} took {took:.1f} s"


@contextmanager
def _explained(reader: str) -> Generator[None]:
    """Only what looks at one run may refuse it, and only with an error of ours."""
    try:
        yield
    except EqspecError as error:
        if reader in {"status", "suite", "gc"} or not error.message:
            raise AssertionError(f"{reader} ends with `{error}`") from error


def damages(path: Path, *, count: int, seed: int) -> Iterator[tuple[str, Path, bytes]]:
    """Name of a damage, the file of a run folder that it is done to, and what that then holds."""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in {".json", ".jsonl", ".yaml", ".sha256"} and ".live" not in file.parts
    )
    for number in range(count):
        drawn = Drawn(seed, number)
        file = drawn.of(files)
        whole = file.read_bytes()
        if file.suffix == ".json" and drawn.below(3):
            text = damaged_json(whole.decode(), drawn)
            damaged = text.encode("utf-8", errors="surrogatepass")
        else:
            damaged = damaged_bytes(whole, drawn)
        yield f"{file.relative_to(path)}, number {number}", file, damaged
