"""Specs, read with the cards that they name; all problems are found in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, card_here
from eqspec.commands.planning.plan_files import refuse_plan_of_run
from eqspec.compile.lookup.look_up import Lookup, look_up
from eqspec.compile.lookup.resolve import Resolved, resolve
from eqspec.compile.rules.spec import across_cards
from eqspec.errors import Severity, SpecError
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
        lookups: variant → the cards and ops that it names; the spec itself has the empty name.
    """

    path: Path
    loaded: LoadedSpec
    catalog: Catalog
    lookups: Mapping[str, Lookup]

    def resolved(self, variant: str = "", *, name: str) -> Resolved:
        """Resolve the spec, or one of its variants.

        Args:
            name: of its plan.
        """
        loaded = self.loaded.variants[variant] if variant else self.loaded
        return resolve(self.lookups[variant], loaded.spec, name=name)


def read_with_cards(
    path: Path, *, overrides: Sequence[str] = (), data: DataLocations = NO_LOCATIONS
) -> Read:
    """Read a spec and check it together with the cards and ops that it names.

    Args:
        path: of the spec; the bare name of a spec that ships with eqspec is enough.
        overrides: `path=value`, as `--set` takes them.
        data: locations of datasets; a stand-in is checked in place of the spec's own dataset.

    Raises:
        SpecError: with all errors and warnings.
        UsageError: it is the plan of a run.
    """
    refuse_plan_of_run(path)
    found = locate_spec(path)
    reading = read_spec(found, overrides=overrides)
    catalog = open_catalog(overlay=found.parent / "registry")
    return with_cards(reading, path=found, catalog=catalog, data=data)


def with_cards(
    reading: Reading, *, path: Path, catalog: Catalog, data: DataLocations = NO_LOCATIONS
) -> Read:
    """Check a spec that was read, together with the cards and ops that it names.

    Args:
        path: to name in messages.
        data: locations of datasets.

    Raises:
        SpecError: with all errors and warnings.
    """
    lookups = {
        variant: look_up(read.source, catalog, data_here=partial(card_here, data=data))
        for variant, read in {"": reading.own, **reading.variants}.items()
        if read.source.readable
    }
    problems = [d for found in lookups.values() for d in (*found.problems, *across_cards(found))]
    found = in_order((*reading.diagnostics, *problems))
    if any(d.severity is Severity.ERROR for d in found):
        raise SpecError(found)
    return Read(path, reading.loaded(), catalog, MappingProxyType(lookups))


def locate_spec(path: Path) -> Path:
    """Return the path itself, or that of a shipped spec: ``specs/x.yaml`` or just ``x``."""
    if path.exists():
        return path
    shipped = specs_root()
    relative = path.relative_to("specs") if path.parts[:1] == ("specs",) else path
    for candidate in (shipped / relative, shipped / f"{relative}.yaml"):
        if candidate.is_file():
            return candidate
    return path
