"""A run on two ranks: rank 0 decides and writes, rank 1 follows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from eqspec.build.parallel.replicas import Replicas
from eqspec.commands.planning.data_locations import NO_LOCATIONS
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.run import run
from eqspec.commands.running.events import Evaluated, Saved, Sealed, Stopped
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.series import series
from eqspec.engine.events import Stepped
from eqspec.nn.world import World
from eqspec.runs.folder import RunFolder, State
from tests.ranks import started_ranks
from tests.toy_specs import short_toy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from eqspec.commands.running.request import RunRequest


def request_of(spec: Path, folder: Path, should_stop: Callable[[], bool]) -> RunRequest:
    planned = plan_spec(spec, overrides=(), data=NO_LOCATIONS)
    (member,) = series(planned, RunOptions(folder.parent, should_stop=should_stop))
    return replace(member.request, folder=folder)


def carried_out(world: World, *, spec: Path, folder: Path, asking: int | None) -> dict[str, Tensor]:
    """Run on one rank; the one of number `asking` requests a stop after the first step."""
    request = request_of(spec, folder, lambda: world.rank == asking)
    events = list(run(request, strategy=Replicas(world)))
    return {
        "steps": torch.tensor([e.step for e in events if isinstance(e, Stepped)]),
        "losses": torch.tensor([e.metrics["loss"] for e in events if isinstance(e, Stepped)]),
        "saved": torch.tensor([e.step for e in events if isinstance(e, Saved)]),
        "evaluated": torch.tensor(sum(isinstance(e, Evaluated) for e in events)),
        "sealed": torch.tensor(isinstance(events[-1], Sealed)),
        "stopped": torch.tensor(isinstance(events[-1], Stopped)),
    }


def test_rank_0_decides_and_writes(tmp_path: Path) -> None:
    """All in one test, since the two processes take long to start."""
    spec = tmp_path / "toy.yaml"
    spec.write_text(short_toy())
    alone, shared, stopped = (tmp_path / name for name in ("alone", "shared", "stopped"))
    expected = carried_out(World(), spec=spec, folder=alone, asking=None)
    with started_ranks(tmp_path) as ranks:
        ends = ranks.run(carried_out, spec=spec, folder=stopped, asking=0)
        followed = ranks.run(carried_out, spec=spec, folder=shared, asking=1)
        complete = ranks.run(carried_out, spec=spec, folder=shared, asking=None)

    for found in ends:  # both stop at once
        assert found["stopped"]
        assert found["steps"].tolist() == [1]
        assert found["saved"].tolist() == [1]
    assert RunFolder(stopped).state() is State.INTERRUPTED

    for found in followed:  # what rank 1 wants does not count
        assert found["sealed"]
        assert found["steps"].tolist() == [1, 2, 3]
        assert found["losses"] == pytest.approx(expected["losses"].numpy(), rel=1e-5)
        assert found["saved"].tolist() == expected["saved"].tolist()
    assert [int(found["evaluated"]) for found in followed] == [int(expected["evaluated"]), 0]
    folder = RunFolder(shared)
    assert folder.state() is State.FINISHED
    assert folder.verify() == ()
    rows = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert folder.log.read_text().count("finished") == 1

    for found in complete:
        assert found["sealed"]
        assert found["steps"].tolist() == []
