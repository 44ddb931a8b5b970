"""Earlier seals of a folder that was sealed again: their place in the history, and their proof.

A record names the hash of the record before it, but that alone proves nothing: whoever seals a
folder writes its history. The earlier record is not kept. Where files were only added since, it
can be written again from the present one: without those files, with the package versions of the
run, and with `log.txt` as it was then, which may have grown. If that text has the published hash,
the files of then are proved.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError
from eqspec.runs.artifacts import FileEntry, canonical_json, read_text
from eqspec.runs.manifest import GROWS
from eqspec.runs.record import RunRecord, Sealing
from eqspec.runs.recorded_plan import recorded_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST = 2_000
"""Maximum number of lines that `log.txt` may have grown by since."""


@dataclass(frozen=True, slots=True)
class EarlierSeal:
    """An earlier seal that the history of a folder names.

    Attributes:
        since: the sealings after it, the first one first.
        record: its record, with the hash that is looked for; None if it could not be written again.
    """

    since: tuple[Sealing, ...]
    record: RunRecord | None


def earlier_seal(folder: Path, record: RunRecord, *, sha256: str) -> EarlierSeal | None:
    """Find a seal in the history of a folder.

    Args:
        record: the present one, whose files are as they were sealed.
        sha256: of the record that is looked for.

    Returns:
        None if the history does not name it.
    """
    replaced = [sealing.replaced for sealing in record.history]
    if sha256 not in replaced:
        return None
    at = len(replaced) - 1 - replaced[::-1].index(sha256)
    since = record.history[at:]
    found: RunRecord | None = record
    for _ in since:
        found = None if found is None else _before(folder, found)
    return EarlierSeal(since, found)


def _before(folder: Path, record: RunRecord) -> RunRecord | None:
    """Write the record before this one again; None if no attempt has the hash that it has here."""
    *history, last = record.history
    if not history or last.record_missing or last.changed or last.removed:
        return None
    files = {name: entry for name, entry in record.files.items() if name not in last.added}
    logs = tuple(_logs(folder, sealed=files.get(GROWS)))
    for versions, log in product(_versions(folder, record), logs):
        entries = files if log is None else {**files, GROWS: log}
        changes = {"history": tuple(history), "files": entries, "versions": versions}
        before = record.model_copy(update=changes)
        text = canonical_json(before.model_dump(mode="json"))
        if hashlib.sha256(text.encode()).hexdigest() == last.replaced:
            return before
    return None


def _versions(folder: Path, record: RunRecord) -> Iterator[Mapping[str, str | None]]:
    """Yield the package versions that the record may have had: the present ones, or the run's."""
    yield record.versions
    try:
        packages = recorded_environment(folder).get("packages")
    except EqspecError:
        return
    if isinstance(packages, dict) and packages != record.versions:
        yield {name: None if one is None else str(one) for name, one in packages.items()}


def _logs(folder: Path, *, sealed: FileEntry | None) -> Iterator[FileEntry | None]:
    """Yield what the log may have been: as it was sealed, then with fewer and fewer lines."""
    yield sealed
    if sealed is None:
        return
    try:
        lines = read_text(folder / GROWS).encode()[: sealed.bytes].splitlines(keepends=True)
    except EqspecError:
        return
    starts: list[FileEntry] = []
    digest, size = hashlib.sha256(), 0
    for line in lines[:-1]:
        digest.update(line)
        size += len(line)
        starts.append(FileEntry(sha256=digest.copy().hexdigest(), bytes=size))
    yield from starts[::-1][:_MOST]
