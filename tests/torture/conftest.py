"""Counts the cases of torture: how many were tried of each kind, and how many held.

    def test_x(tally: Tally) -> None:
        with tally.case("hostile files", "a FIFO for init"):
            assert <what must hold>

A case holds when its body raises nothing. One that does not hold is counted, the cases after it are
tried all the same, and the test fails at its end with all that did not hold. `make torture` has the
counts written down (`--torture-into FOLDER`) and renders the table in docs/results/torture.md.
"""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Tally:
    """The cases of one test.

    Attributes:
        tried: kind → number of cases.
        failures: kind → case → what was wrong with it.
    """

    tried: dict[str, int] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def case(self, kind: str, name: str) -> Iterator[None]:
        """Tries one case."""
        try:
            yield
        except Exception:  # noqa: BLE001 - whatever it is, the case does not hold
            self.add(kind, tried=1, failures={name: traceback.format_exc(limit=-8)})
        else:
            self.add(kind, tried=1, failures={})

    def add(self, kind: str, *, tried: int, failures: dict[str, str]) -> None:
        """Adds cases that were tried elsewhere, such as in another process."""
        self.tried[kind] = self.tried.get(kind, 0) + tried
        self.failures.setdefault(kind, {}).update(failures)

    @property
    def kinds(self) -> dict[str, dict[str, int]]:
        """Kind → how many were tried and held."""
        return {
            kind: {"tried": tried, "held": tried - len(self.failures[kind])}
            for kind, tried in self.tried.items()
        }

    def need_all_held(self) -> None:
        """Fails where a case did not hold, or none was tried."""
        assert self.tried, "a test of torture tries something"
        found = [
            f"{kind}: {n}\n{why}" for kind, some in self.failures.items() for n, why in some.items()
        ]
        assert not found, "\n\n".join([f"{len(found)} did not hold", *found])


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """What this test has tried; it fails at its end where something did not hold."""
    counted, began = Tally(), time.perf_counter()
    yield counted
    into = request.config.getoption("--torture-into")
    if into is not None:
        seconds = time.perf_counter() - began
        found = {"test": request.node.nodeid, "seconds": seconds, "kinds": counted.kinds}
        name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
        Path(into).mkdir(parents=True, exist_ok=True)
        (Path(into) / f"{name}.json").write_text(json.dumps(found, indent=1))
    counted.need_all_held()
