"""Evaluation results in a run folder: measurements as JSON, per-sample values as arrays.

    r2-3f2a9c01.step-4.json    measurements, facts, hash of the arrays, hash over all of it
    r2-3f2a9c01.step-4.npz     per-sample values

Every result is checked when it is read. In a sealed folder both files are compared with the seal.
Without a seal, the hash in the file must match its contents, its name and its run, which detects
edited numbers and results copied from another run. Files of older versions have no such hash.
`eqspec.runs.result_format` describes the JSON.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue, RootModel, ValidationError

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.regular_files import own_size, regular
from eqspec.runs.artifacts import (
    canonical_json,
    entry_of,
    read_document,
    replacing,
    write_json,
)
from eqspec.runs.folder import RunFolder
from eqspec.runs.live import writer
from eqspec.runs.manifest import Trouble
from eqspec.runs.result_format import StoredResult, as_json
from eqspec.runs.seal_check import repeat_advice

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from eqspec.nn.readouts.measurement import ResultSet
    from eqspec.runs.seal_check import SealedFiles

SUFFIXES = (".json", ".npz")
"""Suffixes of the two files of a result."""

DAMAGED = "is damaged: its contents do not match its hash or format"
_UNKNOWN = "was added after the folder was sealed, and has no hash to check it with"
_FOREIGN = "was added after the folder was sealed, and is not a result of this run"
_LARGEST = 2**31  # bytes of all arrays of a result
_NAME = re.compile(r"(?P<id>.+)\.step-(?P<step>\d+)")


class DamagedResult(FolderMismatch):
    """A stored result that has changed or is damaged; its evaluation can be repeated.

    Attributes:
        path: path of the file.
        trouble: problem of the file.
    """

    def __init__(self, path: Path, trouble: str) -> None:
        run = path.parent.parent
        if trouble in {_UNKNOWN, _FOREIGN}:
            advice = "remove it and its arrays (`.npz`)"
        elif trouble == Trouble.EXTRA:
            advice = f"`eqspec eval {run}` seals it, if it is a result of this run"
        else:
            advice = repeat_advice(run)
        super().__init__(f"`{path}` {trouble}", help=advice)
        self.path = path
        self.trouble = trouble


class _Contents(RootModel[dict[str, JsonValue]]):
    """The JSON file of a result as plain data, for its hash."""


def save_result(folder: RunFolder, *, name: str, results: ResultSet) -> None:
    """Write `<name>.npz` and then `<name>.json`, so that a result with JSON is complete."""
    import numpy as np

    arrays = folder.evaluations / f"{name}.npz"
    with replacing(arrays) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **results.arrays)
    contents = {**as_json(results), "arrays": entry_of(arrays).model_dump()}
    digest = _digest(contents, name=name, folder=folder)
    write_json(folder.evaluations / f"{name}.json", value={**contents, "sha256": digest})


def load_result(folder: RunFolder, *, name: str) -> ResultSet | None:
    """Return a stored result with its per-sample values; None if there is none.

    A result that was added after sealing is accepted if it has its own hash.

    Raises:
        DamagedResult: if it is damaged or has changed.
    """
    files = folder.sealed()
    found = _checked(folder, files, name=name, added=True)
    if found is None:
        return None
    path = folder.evaluations / f"{name}.npz"
    _require_arrays(path, files, found)
    id_, step = _evaluation_and_step(name)
    return replace(found.results(id_=id_, step=step), arrays=_arrays(path))


def result_sets(folder: RunFolder) -> tuple[ResultSet, ...]:
    """Return the measurements of every stored result of a run, by id and step, without arrays.

    Raises:
        DamagedResult: if one has changed since sealing, or cannot be read.
    """
    files, added = folder.sealed(), writer(folder.path) is not None
    names = sorted(named_results(folder), key=lambda named: named[1:])
    checked = ((_checked(folder, files, name=n, added=added), id_, step) for n, id_, step in names)
    return tuple(f.results(id_=id_, step=step) for f, id_, step in checked if f is not None)


def whole_steps(folder: RunFolder) -> Mapping[str, frozenset[int]]:
    """Return the steps with intact results, by evaluation id."""
    found: dict[str, frozenset[int]] = {}
    files = folder.sealed()
    for name, id_, step in named_results(folder):
        try:
            summary = _checked(folder, files, name=name, added=False)
            if summary is not None:
                _require_arrays(folder.evaluations / f"{name}.npz", files, summary)
                found[id_] = found.get(id_, frozenset()) | {step}
        except DamagedResult:
            continue
    return found


def added_results(folder: RunFolder) -> tuple[str, ...]:
    """Return the names of the results that the seal does not cover, each checked by its own hash.

    Raises:
        DamagedResult: if one is damaged or of another run; sealing it would hide that.
    """
    files = folder.sealed()
    paths = sorted(folder.evaluations.glob("*.json"))
    names = [p.stem for p in paths if files.entries is None or files.trouble(p) is Trouble.EXTRA]
    for name in names:
        summary = _checked(folder, files, name=name, added=True)
        if summary is not None:
            _require_arrays(folder.evaluations / f"{name}.npz", files, summary)
    return tuple(names)


def named_results(folder: RunFolder) -> Iterator[tuple[str, str, int]]:
    """Yield name, id and step of every result that exists or was sealed."""
    files = folder.sealed()
    there = {path.name for path in folder.evaluations.glob("*.json")}
    for file in sorted(there.union(files.names(below=folder.evaluations.name))):
        match = _NAME.fullmatch(file.removesuffix(".json"))
        if file.endswith(".json") and match is not None:
            yield match[0], match["id"], int(match["step"])


def _checked(
    folder: RunFolder, files: SealedFiles, *, name: str, added: bool
) -> StoredResult | None:
    """Read and check the JSON file of a result; None if there is none.

    Args:
        added: whether to accept a result that was added after sealing, if it has its own hash.
    """
    path = folder.evaluations / f"{name}.json"
    trouble = files.trouble(path)
    if trouble is not None and not (added and trouble is Trouble.EXTRA):
        raise DamagedResult(path, trouble)
    if not path.is_file():
        return None
    try:
        raw = read_document(path, kind=_Contents).root
        summary = StoredResult.model_validate(raw)
    except (EqspecError, ValidationError) as error:
        raise DamagedResult(path, DAMAGED) from error
    if files.entries is None or trouble is Trouble.EXTRA:
        if summary.sha256 is None and trouble is Trouble.EXTRA:
            raise DamagedResult(path, _UNKNOWN)
        own = {key: value for key, value in raw.items() if key != "sha256"}
        digest = _digest(own, name=name, folder=folder)
        if summary.sha256 is not None and summary.sha256 != digest:
            raise DamagedResult(path, DAMAGED if trouble is None else _FOREIGN)
    return summary


def _evaluation_and_step(name: str) -> tuple[str, int]:
    """Return evaluation id and step from the name of a result; step 0 for a control."""
    match = _NAME.fullmatch(name)
    return (name.rpartition(".")[0], 0) if match is None else (match["id"], int(match["step"]))


def _digest(contents: Mapping[str, object], *, name: str, folder: RunFolder) -> str | None:
    """Return the SHA-256 over a result, its name and its run; None for a non-finite number."""
    identity = folder.identity()
    of = {"recipe": identity.recipe, "seed": identity.seed, "name": name}
    try:
        text = canonical_json({"of": of, **contents})
    except ValueError:  # such as 1e999, which results never contain
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def _require_arrays(path: Path, files: SealedFiles, summary: StoredResult) -> None:
    """Refuse a file of arrays that does not belong to its result, without loading it."""
    trouble = files.trouble(path)
    if trouble is not None and trouble is not Trouble.EXTRA:
        raise DamagedResult(path, trouble)
    if not path.is_file():
        raise DamagedResult(path, Trouble.MISSING)
    looks_whole = own_size(path) > 0 and zipfile.is_zipfile(path)
    if not looks_whole or summary.arrays not in (None, entry_of(path)):
        raise DamagedResult(path, DAMAGED)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        with zipfile.ZipFile(regular(path, follow=False)) as whole:
            corrupt = _first_corrupt(whole)  # reading alone may stop before the checksum
        with np.load(path, allow_pickle=False) as arrays:
            loaded = {key: arrays[key] for key in arrays.files}
    except Exception as error:  # any byte of the file may be damaged
        raise DamagedResult(path, DAMAGED) from error
    if corrupt is not None:
        raise DamagedResult(path, DAMAGED)
    return loaded


def _first_corrupt(archive: zipfile.ZipFile) -> str | None:
    if sum(member.file_size for member in archive.infolist()) > _LARGEST:
        raise ValueError("arrays are too large: a small file may expand to terabytes")
    return archive.testzip()
