"""Level L1 of an audit: whether the training data are those that the run has read."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.audit.replaced_images import replaced_phrase
from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.commands.running.data_names import (
    OtherNames,
    listed,
    other_names,
    phrases,
    same_names,
)
from eqspec.commands.running.training_data import (
    Compared,
    changed_images,
    compare_data,
    images_were,
)
from eqspec.compile.types.plan import DataPlan
from eqspec.errors import EqspecError
from eqspec.ops.tolerant import Tolerant
from eqspec.runs.data_record import KnownData, load_data
from eqspec.runs.folder import RunFolder
from eqspec.spec.phrases import counted

_MOST = 20
"""Maximum number of images named."""


def data_finding(
    folder: RunFolder, *, recorded: JsonValue, data: DataLocations, full: bool
) -> Finding:
    """Compare fingerprint, contents and replaced images with those that the run recorded.

    Args:
        recorded: the fingerprint, if the run has one.
        full: read every image whose content the run has recorded, not a sample.
    """
    if not isinstance(recorded, str):
        return Finding(Level.SAME_HERE, "data", None, "the run has not read its data yet")
    try:
        planned = DataPlan.model_validate(folder.plan().get("data"))
        train = open_dataset(planned, split="train", locations=data, own=planned.name)
        train.list_files()
        now, known = train.fingerprint(), load_data(folder.path)
        other = None if now == recorded else other_names(folder, train)
        found = None if known is None or other else _compared(known, train, full=full)
        changed = (
            () if known is None or other is None else _by_name(folder, known, train, full=full)
        )
    except (EqspecError, ValueError) as error:
        message = error.message if isinstance(error, EqspecError) else "planned by another eqspec"
        return Finding(Level.SAME_HERE, "data", None, f"cannot be read here: {message}")
    differs = [] if now == recorded else [Disagreement("fingerprint", recorded[:12], now[:12])]
    differs += [] if found is None else _differences(found)
    differs += [] if other is None else _of_names(other, changed)
    if other is not None:
        message = "; ".join([*phrases(other), *_content_phrase(changed)])
    elif now != recorded:
        message = f"other images, or in another order (compared: {train.fingerprint_scope})"
    elif differs:
        many = counted(len(differs), "image differs", "images differ")
        message = f"{many} from those that the run has read"
    else:
        message = (
            f"the same fingerprint, {now[:12]}, of {train.fingerprint_scope}{_beyond(found, known)}"
        )
    return Finding(Level.SAME_HERE, "data", not differs, message, tuple(differs[:_MOST]))


def _compared(known: KnownData, train: Tolerant, *, full: bool) -> Compared:
    """Compare; in full also where the spec of the run requests it."""
    return compare_data(known, train, full=full or known.record.full is not None)


def _differences(found: Compared) -> list[Disagreement]:
    other = [Disagreement(name, "as it was read", "different content") for name in found.other]
    other += [Disagreement(name, "replaced", "can be read") for name in found.readable]
    if found.same_in_full is False and not found.other:
        other.append(Disagreement("content of all", "as it was", "different content"))
    return other


def _by_name(
    folder: RunFolder, known: KnownData, train: Tolerant, *, full: bool
) -> tuple[str, ...]:
    """Return the names of the images that both have, with different content."""
    pairs = () if train.watched is None else same_names(folder, train.watched)
    return changed_images(known, train, pairs=pairs, full=full or known.record.full is not None)


def _of_names(other: OtherNames, changed: tuple[str, ...]) -> list[Disagreement]:
    missing = [Disagreement(name, "in the data", "missing") for name in other.missing]
    added = [Disagreement(name, "not in the data", "new") for name in other.added]
    return [
        *missing,
        *added,
        *(Disagreement(name, "as it was read", "different content") for name in changed),
    ]


def _content_phrase(changed: tuple[str, ...]) -> Iterator[str]:
    if changed:
        have = "1 image has" if len(changed) == 1 else f"{len(changed):,} images have"
        yield f"{have} different content: {listed(changed)}"


def _beyond(found: Compared | None, known: KnownData | None) -> str:
    """What was compared besides the fingerprint, or why nothing was."""
    if found is None or known is None:
        return "; the run has recorded neither times nor contents"
    return "".join(f"; {phrase}" for phrase in _phrases(found, known))


def _phrases(found: Compared, known: KnownData) -> Iterator[str]:
    if known.record.full is not None and found.same_in_full:
        yield "content of all the same"
    elif found.known:
        part = "all" if found.compared >= found.known else f"{found.compared:,}"
        yield f"content of {part} of the {found.known:,} that the run has recorded, the same"
    if found.unknown:
        yield f"{images_were(len(found.unknown))} written since, which the run has not read"
    if found.replaced:
        yield replaced_phrase(found.replaced)
