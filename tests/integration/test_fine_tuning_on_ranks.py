"""An evaluation that trains, in a run on two ranks: both train, rank 0 measures and writes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from eqspec.build.parallel.replicas import Replicas
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.run import run
from eqspec.commands.running.events import Evaluated, FineTuning, Sealed
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.series import series
from eqspec.engine.events import Stepped
from eqspec.nn.world import World
from eqspec.runs.folder import RunFolder, State
from tests.integration.test_eval import Place, write_images
from tests.integration.test_fine_tuning import PROBE
from tests.ranks import started_ranks

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

pytestmark = pytest.mark.slow


def carried_out(world: World, *, spec: Path, images: Path, folder: Path) -> dict[str, Tensor]:
    """Run on one rank."""
    data = DataLocations(named={"image_folder": images})
    planned = plan_spec(spec, overrides=(), data=data)
    (member,) = series(planned, RunOptions(folder.parent, data=data))
    request = replace(member.request, folder=folder)
    events = list(run(request, strategy=Replicas(world)))
    trained = [e.event for e in events if isinstance(e, FineTuning)]
    stepped = [e for e in trained if isinstance(e, Stepped)]
    return {
        "losses": torch.tensor([e.metrics["loss"] for e in stepped]),
        "evaluated": torch.tensor(sum(isinstance(e, Evaluated) for e in events)),
        "sealed": torch.tensor(isinstance(events[-1], Sealed)),
    }


def test_the_training_takes_the_same_steps_as_on_one_rank(tmp_path: Path) -> None:
    """All in one test, since the two processes take long to start."""
    place = Place(tmp_path / "place")
    images = place.root / "images"
    write_images(images)
    place.write(PROBE)
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    expected = carried_out(World(), spec=place.spec, images=images, folder=alone)
    with started_ranks(tmp_path) as ranks:
        found = ranks.run(carried_out, spec=place.spec, images=images, folder=shared)
        again = ranks.run(carried_out, spec=place.spec, images=images, folder=shared)

    assert len(expected["losses"]) == 12  # six steps, before and after the training of the run
    for rank in found:
        assert rank["sealed"]
        assert rank["losses"] == pytest.approx(expected["losses"].numpy(), rel=1e-4)
    assert [int(rank["evaluated"]) for rank in found] == [2, 0]
    for rank in again:
        assert rank["sealed"]
        assert rank["losses"].tolist() == []

    children = [RunFolder(path.parent) for path in shared.glob("evaluations/*/*/plan.json")]
    assert sorted(child.path.name for child in children) == ["step-0", "step-2"]
    for child in children:
        assert child.state() is State.FINISHED
        assert child.verify() == ()
        rows = [json.loads(line) for line in child.metrics.read_text().splitlines()]
        assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert RunFolder(shared).verify() == ()
    assert not list(shared.rglob(".live/*.safetensors"))
    for path in alone.glob("evaluations/*.npz"):
        with np.load(path) as one, np.load(shared / "evaluations" / path.name) as other:
            assert one.files == other.files
