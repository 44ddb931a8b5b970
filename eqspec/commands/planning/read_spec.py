"""From a spec's path to what it says and the cards that it may name, all problems in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eqspec.commands.planning.data_places import NOWHERE, DataPlaces, card_here
from eqspec.commands.planning.plan_files import refuse_plan_of_run
from eqspec.compile.lookup.survey import survey
from eqspec.compile.rules.spec import across_cards
from eqspec.errors import Diagnostic, Severity, SpecError
from eqspec.registry.catalog import Catalog, open_catalog
from eqspec.registry.places import specs_root
from eqspec.spec.diagnose import in_order
from eqspec.spec.load import LoadedSpec, Reading, read_spec


@dataclass(frozen=True, slots=True)
class Read:
    """A spec that is legal by itself and with its cards.

    Attributes:
        path: of the file.
        loaded: the spec and its variants.
        catalog: the cards that ship, and those of a `registry/` beside the file.
    """

    path: Path
    loaded: LoadedSpec
    catalog: Catalog


def read_with_cards(
    path: Path, *, overrides: Sequence[str] = (), data: DataPlaces = NOWHERE
) -> Read:
    """Reads a spec and judges it together with the cards and ops that it names.

    Args:
        path: of the spec; the bare name of a spec that ships with eqspec will do.
        overrides: `path=value`, as `--set` takes them.
        data: where datasets lie; what stands in for the spec's own is judged in its stead.

    Raises:
        SpecError: with everything that is wrong, and what deserves a second look.
        UsageError: when it is the plan of a run.
    """
    refuse_plan_of_run(path)
    found = locate_spec(path)
    reading = read_spec(found, overrides=overrides)
    catalog = open_catalog(overlay=found.parent / "registry")
    return with_cards(reading, path=found, catalog=catalog, data=data)


def with_cards(
    reading: Reading, *, path: Path, catalog: Catalog, data: DataPlaces = NOWHERE
) -> Read:
    """A spec that was read, judged together with the cards and ops that it names.

    Args:
        path: what it is called.
        data: where datasets lie.

    Raises:
        SpecError: with everything that is wrong, and what deserves a second look.
    """
    said = in_order((*reading.diagnostics, *_with_cards(reading, catalog, data=data)))
    if any(d.severity is Severity.ERROR for d in said):
        raise SpecError(said)
    return Read(path, reading.loaded(), catalog)


def locate_spec(path: Path) -> Path:
    """The path itself, or the shipped spec of that name: ``specs/x.yaml``, or just ``x``."""
    if path.exists():
        return path
    shipped = specs_root()
    relative = path.relative_to("specs") if path.parts[:1] == ("specs",) else path
    for candidate in (shipped / relative, shipped / f"{relative}.yaml"):
        if candidate.is_file():
            return candidate
    return path


def _with_cards(reading: Reading, catalog: Catalog, *, data: DataPlaces) -> list[Diagnostic]:
    """What is wrong with the cards and ops of the spec and of each variant."""
    problems: list[Diagnostic] = []
    for judged in (reading.own, *reading.variants.values()):
        if judged.source.readable:
            found = survey(judged.source, catalog, data_here=partial(card_here, data=data))
            problems += [*found.problems, *across_cards(found)]
    return problems
