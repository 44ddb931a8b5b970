"""A run on two ranks: rank 0 decides and writes, rank 1 follows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from eqspec.build.parallel.replicas import Replicas
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.run import run
from eqspec.commands.running import training
from eqspec.commands.running.events import Evaluated, Saved, Sealed, Stopped
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.series import series
from eqspec.engine.events import Stepped
from eqspec.errors import PeerLost
from eqspec.nn.world import World
from eqspec.ops.decode import LostImage
from eqspec.runs.folder import RunFolder, State
from tests.fake_datasets import save
from tests.ranks import started_ranks
from tests.toy_specs import short_toy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    from eqspec.commands.running.request import RunRequest
    from eqspec.engine.events import Event


def request_of(
    spec: Path,
    folder: Path,
    should_stop: Callable[[], bool],
    *,
    data: DataLocations = NO_LOCATIONS,
) -> RunRequest:
    planned = plan_spec(spec, overrides=(), data=data)
    (member,) = series(planned, RunOptions(folder.parent, data, should_stop=should_stop))
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


def losing(world: World, *, spec: Path, folder: Path) -> dict[str, Tensor]:
    """Run on one rank; rank 1 loses an image after the first step, while rank 0 trains on."""
    events = training.train

    def cut_off(*given: Any, **named: Any) -> Iterator[Event]:
        for event in events(*given, **named):
            yield event
            if world.rank == 1:
                raise LostImage("an image has disappeared")

    asked: list[object] = []
    training.train = cut_off  # in a process of its own
    Replicas.collect = lambda self, value: (asked.append(value), (value,) * self.world.size)[1]
    images = DataLocations(own=spec.parent / "images", named={})
    request = request_of(spec, folder, lambda: False, data=images)
    found = "nothing"
    try:
        list(run(request, strategy=Replicas(world)))
    except (LostImage, PeerLost) as error:
        found = type(error).__name__
    return {
        "lost": torch.tensor(found == "LostImage"),
        "peer": torch.tensor(found == "PeerLost"),
        "asked": torch.tensor(len(asked)),
    }


def test_a_rank_that_loses_an_image_waits_for_no_other(tmp_path: Path) -> None:
    """Whatever it sent would be taken for a part of the step that the others are in."""
    spec = tmp_path / "toy.yaml"
    spec.write_text(short_toy().replace("{use: photos}", "{use: image-folder}"))
    for number in range(24):
        save(tmp_path / "images" / f"{number}.png")
    with started_ranks(tmp_path) as ranks:
        main, other = ranks.run(losing, spec=spec, folder=tmp_path / "lost")
    assert other["lost"]
    assert other["asked"] == 0
    assert main["peer"]
    assert RunFolder(tmp_path / "lost").state() is State.INTERRUPTED
