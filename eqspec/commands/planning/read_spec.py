"""From a spec's path to what it says and the cards that it may name, all problems in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from eqspec.commands.planning.data_places import NOWHERE, DataPlaces, card_here
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
        lookups: what the spec names, under the empty name, and what each variant names.
    """

    path: Path
    loaded: LoadedSpec
    catalog: Catalog
    lookups: Mapping[str, Lookup]

    def resolved(self, variant: str = "", *, name: str) -> Resolved:
        """The spec, or one of its variants, with everything that it names.

        Args:
            name: what its plan is called.
        """
        loaded = self.loaded.variants[variant] if variant else self.loaded
        return resolve(self.lookups[variant], loaded.spec, name=name)


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
    lookups = {
        variant: look_up(judged.source, catalog, data_here=partial(card_here, data=data))
        for variant, judged in {"": reading.own, **reading.variants}.items()
        if judged.source.readable
    }
    problems = [d for found in lookups.values() for d in (*found.problems, *across_cards(found))]
    said = in_order((*reading.diagnostics, *problems))
    if any(d.severity is Severity.ERROR for d in said):
        raise SpecError(said)
    return Read(path, reading.loaded(), catalog, MappingProxyType(lookups))


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
