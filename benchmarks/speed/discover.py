"""The cases: every module of `benchmarks/speed/cases` is one, with its `CASE`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from benchmarks.speed import cases
from benchmarks.speed.case import Case


def case_ids() -> tuple[str, ...]:
    """Return the ids of all cases: the names of their files, with `-` for `_`."""
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(cases.__path__)))


def load_case(name: str) -> Case:
    """Import a case by its id."""
    module = importlib.import_module(f"{cases.__name__}.{name.replace('-', '_')}")
    case = module.CASE
    assert isinstance(case, Case), f"{module.__name__}.CASE is no case"
    return case


def select(names: Sequence[str], *, device: str) -> tuple[str, ...]:
    """Return the ids that names select, of the cases that can be measured on a device.

    Args:
        names: ids, or their first parts; none for all cases that are measured by default.

    Raises:
        SystemExit: a name selects nothing.
    """
    every = case_ids()
    found: list[str] = []
    for name in names:
        wanted = name.lower()
        chosen = [c for c in every if c == wanted or c.startswith(f"{wanted}-")]
        if not chosen:
            raise SystemExit(f"there is no case `{name}`; the cases are {', '.join(every)}")
        found += chosen
    loaded = {c: load_case(c) for c in (dict.fromkeys(found) if names else every)}
    here = {c: case for c, case in loaded.items() if device in case.devices}
    return tuple(c for c, case in here.items() if names or case.by_default)
