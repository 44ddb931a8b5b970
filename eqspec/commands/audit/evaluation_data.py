"""Level L1 of an audit: whether the evaluation data are those that the results were measured on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.audit.replaced_images import replaced_phrase
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.chosen_evaluations import protocols
from eqspec.commands.running.data_names import listed
from eqspec.commands.running.result_data import replaced_images
from eqspec.commands.running.run_data import open_data
from eqspec.commands.running.training_data import decodes
from eqspec.errors import EqspecError
from eqspec.evals.replaced import COUNT
from eqspec.runs.data_record import Replaced
from eqspec.runs.results import DamagedResult, load_result, named_results
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.commands.running.run_data import Splits
    from eqspec.ops.tolerant import Tolerant
    from eqspec.runs.folder import RunFolder

_MOST = 20
"""Maximum number of images named."""

_Facts = Mapping[str, JsonValue]

_OnData = tuple[_Facts, str, "Splits"]
"""(facts of a result, name of its data, the data here)."""


def evaluation_data_finding(folder: RunFolder, *, data: DataLocations) -> Finding | None:
    """Compare the held-out images by their fingerprint, and the replaced images of both splits.

    Returns:
        None if the run has no result yet.
    """
    results = list(_results(folder))
    if not results:
        return None
    try:
        plan = plan_in(folder.path)
        known = protocols(folder, plan, {id_ for id_, _ in results})
        opened = open_data(plan, locations=data, evaluations=tuple(known.values()))
        matched = [(facts, known[id_]) for id_, facts in results if id_ in known]
        on = [(facts, one.data.name, opened.of(one)) for facts, one in matched]
        found = tuple(dict.fromkeys(_differences(on)))
    except (EqspecError, ValidationError) as error:
        reason = error.message if isinstance(error, EqspecError) else "planned by another eqspec"
        return _finding(f"cannot be read here: {reason}", holds=None)
    if found:
        message = f"{counted(len(found), 'difference')} from the images of the results"
        return _finding(message, holds=False, found=found[:_MOST])
    return _without_difference(on, unknown={id_ for id_, _ in results} - known.keys())


def _without_difference(on: Sequence[_OnData], *, unknown: set[str]) -> Finding:
    """The finding where nothing differs.

    Args:
        unknown: ids of results whose protocol, and thus data, is unknown here.
    """
    if unknown:
        message = "cannot be read here: neither the plan nor a card here has the protocol of "
        return _finding(message + listed(sorted(unknown)), holds=None)
    fingerprint_scope = {name: splits.held_out.fingerprint_scope for _, name, splits in on}
    message = "the same held-out images"
    message += "".join(f"; of {name}, {at}" for name, at in fingerprint_scope.items())
    replaced = tuple(
        dict.fromkeys(one.name for facts, _, _ in on for _, one in replaced_images(facts))
    )
    if replaced:
        message += f"; {replaced_phrase(replaced)}"
    return _finding(message, holds=True)


def _finding(message: str, *, holds: bool | None, found: tuple[Disagreement, ...] = ()) -> Finding:
    return Finding(Level.SAME_HERE, "evaluation data", holds, message, found)


def other_replaced(before: _Facts, after: _Facts) -> Iterator[Disagreement]:
    """Yield the differences of the replaced images of two results of one evaluation."""
    counts = before.get(COUNT, 0), after.get(COUNT, 0)
    if counts[0] != counts[1]:
        yield Disagreement("replaced images", str(counts[0]), str(counts[1]))
    then, now = dict.fromkeys(replaced_images(before)), dict.fromkeys(replaced_images(after))
    for split, one in dict.fromkeys([*then, *now]):
        if ((split, one) in then) != ((split, one) in now):
            words = (
                ("replaced", "can be read") if (split, one) in then else ("can be read", "replaced")
            )
            yield Disagreement(f"{split}: {one.name}", *words)


def _results(folder: RunFolder) -> Iterator[tuple[str, _Facts]]:
    """Yield id and facts of every result; damaged ones are findings of level L0."""
    for name, id_, _ in named_results(folder):
        try:
            result = load_result(folder, name=name)
        except DamagedResult:
            continue
        if result is not None:
            yield id_, result.facts


def _differences(results: Sequence[_OnData]) -> Iterator[Disagreement]:
    """Yield the differences of fingerprints and of replaced images."""
    distinct = {id(on): on for _, _, on in results}
    fingerprints = {key: on.held_out.fingerprint() for key, on in distinct.items()}
    for facts, name, on in results:
        recorded, now = facts.get("data"), fingerprints[id(on)]
        if isinstance(recorded, str) and recorded != now:
            yield Disagreement(f"held-out images of {name}", recorded[:12], now[:12])
        for split, image in replaced_images(facts):
            here = _found(image, on.train if split == "train" else on.held_out)
            if here is not None:
                yield Disagreement(f"{split}: {image.name}", "replaced", here)


def _found(image: Replaced, dataset: Tolerant) -> str | None:
    """Return the present state of a replaced image; None if it is damaged here, too."""
    watched = dataset.watched
    if watched is None:
        return None
    there = 0 <= image.number < len(watched.checksums)
    if not there or dataset.name(image.number) != image.name:
        return "not there"
    return "can be read" if decodes(watched, image.number) else None
