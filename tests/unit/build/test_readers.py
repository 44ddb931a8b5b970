"""How many processes read images, and where that number comes from."""

from __future__ import annotations

import pytest

from eqspec.build.data.workers import MOST, readers
from eqspec.compile.types.plan import Plan
from tests.toy_specs import load_toy, plan_of


def plan(impl: str, workers: int | str) -> Plan:
    built = plan_of(load_toy("vicreg"))
    data = built.data.model_copy(update={"impl": impl})
    machine = built.machine.model_copy(update={"workers": workers})
    return built.model_copy(update={"data": data, "machine": machine})


@pytest.mark.parametrize(
    ("cores", "ranks", "expected"),
    [
        (1, 1, "no workers (auto: of 1 core)"),
        (2, 1, "1 worker (auto: of 2 cores)"),
        (4, 1, "3 workers (auto: of 4 cores)"),
        (16, 1, "15 workers (auto: of 16 cores)"),
        (64, 1, f"{MOST} workers (auto: of 64 cores)"),
        (8, 4, "1 worker (auto: of 8 cores, shared by 4)"),
        (2, 4, "no workers (auto: of 2 cores, shared by 4)"),
    ],
)
def test_auto_takes_the_cores_that_training_leaves_free(
    cores: int, ranks: int, expected: str
) -> None:
    assert str(readers(plan("image_folder", "auto"), ranks=ranks, cores=cores)) == expected


def test_auto_keeps_no_more_than_a_few_batches_of_many_pixels() -> None:
    """A batch of 4,096 pairs of 300 px is 2.2 GB, and each worker keeps two."""
    small = plan("image_folder", "auto")
    views = tuple(v.model_copy(update={"canvas": 300}) for v in small.views.views)
    big = small.model_copy(
        update={
            "views": small.views.model_copy(update={"views": views}),
            "train": small.train.model_copy(update={"batch": 4096}),
        }
    )
    expected = "2 workers (auto: of 64 cores, as many as keep 4 GiB ready)"
    assert str(readers(big, cores=64)) == expected
    assert readers(big, cores=64, ranks=4).count == 3


@pytest.mark.parametrize("impl", ["photos", "cifar"])
def test_auto_takes_none_for_images_in_memory(impl: str) -> None:
    found = readers(plan(impl, "auto"), cores=64)
    assert str(found) == "no workers (auto: the images are in memory)"


@pytest.mark.parametrize("impl", ["photos", "image_folder"])
def test_a_number_is_taken_as_it_is(impl: str) -> None:
    assert str(readers(plan(impl, 7), cores=1)) == "7 workers"
