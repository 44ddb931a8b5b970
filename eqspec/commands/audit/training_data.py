"""Level L1 of an audit: are the training data those that the run has read?"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.planning.data_places import DataPlaces, open_dataset
from eqspec.commands.running.training_data import Compared, compare_data, counted, listed
from eqspec.compile.types.plan import DataPlan
from eqspec.errors import EqspecError
from eqspec.ops.tolerant import Tolerant
from eqspec.runs.data_record import KnownData, load_data
from eqspec.runs.folder import RunFolder

_MOST = 20
"""Most images that are named."""


def data_finding(
    folder: RunFolder, *, recorded: JsonValue, data: DataPlaces, full: bool
) -> Finding:
    """The fingerprint, what the run has read of the images, and which of them were replaced.

    Args:
        recorded: the fingerprint, where the run has one.
        full: read every image whose content the run knows, not some.
    """
    if not isinstance(recorded, str):
        return Finding(Level.SAME_HERE, "data", None, "the run has not read its data yet")
    try:
        planned = DataPlan.model_validate(folder.plan().get("data"))
        train = open_dataset(planned, split="train", places=data, own=planned.name)
        train.list_files()
        now, known = train.fingerprint(), load_data(folder.path)
        found = None if known is None else _compared(known, train, full=full)
    except (EqspecError, ValueError) as error:
        message = error.message if isinstance(error, EqspecError) else "planned by another eqspec"
        return Finding(Level.SAME_HERE, "data", None, f"cannot be read here: {message}")
    differs = [] if now == recorded else [Disagreement("fingerprint", recorded[:12], now[:12])]
    differs += [] if found is None else _differences(found)
    if now != recorded:
        said = f"other images, or in another order (looked at: {train.looked_at})"
    elif differs:
        said = f"not the images that the run has read: {len(differs)} differ"
    else:
        said = f"the same fingerprint, {now[:12]}, of {train.looked_at}{_beyond(found, known)}"
    return Finding(Level.SAME_HERE, "data", not differs, said, tuple(differs[:_MOST]))


def _compared(known: KnownData, train: Tolerant, *, full: bool) -> Compared:
    """A run whose spec asks for all is compared in full, whether the audit asks for it or not."""
    return compare_data(known, train, full=full or known.record.full is not None)


def _differences(found: Compared) -> list[Disagreement]:
    other = [Disagreement(name, "as it was read", "other content") for name in found.other]
    other += [Disagreement(name, "replaced", "can be read") for name in found.readable]
    if found.same_in_full is False and not found.other:
        other.append(Disagreement("content of all", "as it was", "other content"))
    return other


def _beyond(found: Compared | None, known: KnownData | None) -> str:
    """What was looked at beside the fingerprint, or why nothing was."""
    if found is None or known is None:
        return "; the run has kept neither times nor contents"
    return "".join(f"; {said}" for said in _said(found, known))


def _said(found: Compared, known: KnownData) -> Iterator[str]:
    if known.record.full is not None and found.same_in_full:
        yield "content of all the same"
    elif found.known:
        part = "all" if found.compared >= found.known else f"{found.compared:,}"
        yield f"content of {part} of the {found.known:,} that the run knows, the same"
    if found.unknown:
        yield f"{counted(len(found.unknown))} written since, which it has not read"
    if found.replaced:
        count = len(found.replaced)
        yield f"{count:,} could not be decoded and were replaced, as here: {listed(found.replaced)}"
