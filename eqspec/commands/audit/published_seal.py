"""Level L0 of an audit: whether a run has the seal that was published elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.commands.audit.findings import PUBLISHED_SEAL, Disagreement, Finding, Level
from eqspec.errors import EqspecError, UsageError
from eqspec.regular_files import opened
from eqspec.runs.artifacts import MAX_BYTES, sha256_of
from eqspec.runs.earlier_seals import EarlierSeal, earlier_seal
from eqspec.runs.published_seal import EXAMPLE, PublishedSeal, SealedRun, seals_in
from eqspec.runs.record import RECORD, UNSEALED_RECORD
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.runs.folder import RunFolder
    from eqspec.runs.record import Sealing

_SHOWN = 12
"""Number of digits of a hash shown."""

_EXPECTED = (
    f"it is the line of `eqspec seal RUN`, `{EXAMPLE}`; a file that contains it; or a record.sha256"
)


def published_seals(given: str) -> tuple[PublishedSeal, ...]:
    """Return the seals that were given: the line itself, or a file that contains some.

    Raises:
        UsageError: if there is none, or only in another version of the format.
    """
    found = seals_in(given)
    if found:
        return found
    if not given.strip():
        raise UsageError("`--against` is empty", help=_EXPECTED)
    text = _text_of(Path(given.strip()))
    if text is None:
        raise UsageError(f"`--against` is no seal and no file: `{given}`", help=_EXPECTED)
    found = seals_in(text)
    if not found:
        raise UsageError(f"`{given}` contains no seal", help=_EXPECTED)
    return found


def _text_of(path: Path) -> str | None:
    """Return the text of a file, None if there is none."""
    try:
        with opened(path) as file:
            return file.read(MAX_BYTES).decode(errors="replace")
    except (OSError, ValueError):  # missing, a folder, too long, or with a null character
        return None


def seal_finding(folder: RunFolder, seals: tuple[PublishedSeal, ...]) -> Finding:
    """Compare the run with a published seal.

    Args:
        seals: of which one is of this run; several where they were read from a file.
    """
    here, run = _hash_of(folder), _run_of(folder)
    own = [seal for seal in seals if seal.run is None or run is None or seal.run == run]
    if not own:
        return _of_another_run(seals, run=run, here=here)
    if here is None:
        return _without_seal(folder, own)
    if here in {seal.sha256 for seal in own}:
        return _finding(f"the published seal is that of this folder, {here[:_SHOWN]}", holds=True)
    return _of_then(folder, own, here=here)


def _of_then(folder: RunFolder, seals: list[PublishedSeal], *, here: str) -> Finding:
    """The finding about seals of which none is the present one."""
    try:
        record = folder.record()
    except EqspecError:  # damaged, which is a finding about the files
        record = None
    for seal in seals:
        found = record and earlier_seal(folder.path, record, sha256=seal.sha256)
        if found is not None:
            return _earlier(found, seal, here=here)
    message = "not the seal of this folder, nor an earlier one in its history"
    if seals[0].run is not None:
        message += ": the published run has the same recipe and seed, but other files"
    hashes = tuple(Disagreement(RECORD, s.sha256[:_SHOWN], here[:_SHOWN]) for s in seals)
    return _finding(message, holds=False, found=hashes)


def _of_another_run(
    seals: tuple[PublishedSeal, ...], *, run: SealedRun | None, here: str | None
) -> Finding:
    """The finding where every seal names another run."""
    assert run is not None, "otherwise no seal names another one"
    names = ", ".join(f"`{seal.run}`" for seal in seals)
    whose = "the published seal is" if len(seals) == 1 else "the published seals are"
    message = f"{whose} of another run: {names}; this one is `{run}`"
    if any(seal.sha256 == here for seal in seals):
        message += "; the hash is that of this folder, so the name in the line was changed"
    other = seals[0].run
    assert other is not None, "it names another one"
    pairs = (
        ("spec", other.spec, run.spec),
        ("recipe", other.recipe, run.recipe),
        ("seed", str(other.seed), str(run.seed)),
    )
    found = [Disagreement(*pair) for pair in pairs if pair[1] != pair[2]] if len(seals) == 1 else []
    return _finding(message, holds=False, found=tuple(found))


def _without_seal(folder: RunFolder, seals: list[PublishedSeal]) -> Finding:
    """The finding about a run that is not sealed now."""
    aside = folder.path / UNSEALED_RECORD
    try:
        kept = sha256_of(aside) if aside.exists() else None
    except EqspecError:
        kept = None
    if any(seal.sha256 == kept for seal in seals):
        message = "the published seal was that of this folder until the run went on; it is to be "
        return _finding(f"{message}sealed again", holds=None)
    return _finding("the run has no seal to compare with the published one", holds=None)


def _earlier(found: EarlierSeal, seal: PublishedSeal, *, here: str) -> Finding:
    """The finding about a seal that the history of the folder names."""
    count = len(found.since)
    place = "the one before last" if count == 1 else f"{count} sealings before the last one"
    since = "; ".join(_since(sealing) for sealing in found.since)
    message = f"the published seal, {seal.sha256[:_SHOWN]}, is {place}; since then {since}"
    if found.record is not None:
        files = counted(len(found.record.files), "file")
        message += ". The record of then, written again, has the published hash: the seal of now "
        return _finding(f"{message}has its {files} unchanged", holds=True)
    hashes = (Disagreement(RECORD, seal.sha256[:_SHOWN], here[:_SHOWN]),)
    message += ". The record of then cannot be written again, so only this folder's own history "
    return _finding(f"{message}says so, which proves nothing", holds=None, found=hashes)


def _since(sealing: Sealing) -> str:
    """Words for a later sealing: `eval added 2 files of results`."""
    results = sum(name.startswith("evaluations/") for name in sealing.added)
    others = len(sealing.added) - results
    parts = [
        f"added {counted(results, 'file')} of results" if results else "",
        f"added {counted(others, 'other file')}" if others else "",
        f"changed {counted(len(sealing.changed), 'file')}" if sealing.changed else "",
        f"removed {counted(len(sealing.removed), 'file')}" if sealing.removed else "",
    ]
    what = ", ".join(part for part in parts if part) or "changed nothing"
    if sealing.record_missing:
        what = "sealed a folder whose record was missing"
    return f"`{sealing.action or 'a command that was not recorded'}` {what}"


def _hash_of(folder: RunFolder) -> str | None:
    """Return the hash of the record as it is; None if there is none that can be read."""
    path = folder.path / RECORD
    try:
        return sha256_of(path) if path.exists() else None
    except EqspecError:
        return None


def _run_of(folder: RunFolder) -> SealedRun | None:
    """Return the name of the run; None if its plan cannot be read."""
    try:
        return SealedRun.of(folder.identity())
    except EqspecError:
        return None


def _finding(
    message: str,
    *,
    holds: bool | None,
    found: tuple[Disagreement, ...] = (),
) -> Finding:
    return Finding(Level.INTACT, PUBLISHED_SEAL, holds, message, found)
