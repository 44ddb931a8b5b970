"""Every mask keeps the contract of masks, and hides what its paper says."""

from __future__ import annotations

from math import exp, log, sqrt
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_mask, op_names
from eqspec.ops.op import BATCH, PortError, StreamType

DTYPES = {"bool": np.bool_, "int": np.int64}
EXAMPLES = MappingProxyType({name: find_mask(name).example for name in op_names("masks")})
EACH = pytest.mark.parametrize("name", EXAMPLES)


def tokens(rows: int = 14, columns: int = 14, *, views: int = 2) -> StreamType:
    sizes = (views, BATCH, 1 + rows * columns, 384)
    return StreamType(("V", "B", "N", "D"), sizes, prefix=1, grid=(rows, columns))


def params(name: str, **changed: object) -> Any:
    return find_mask(name).Params.model_validate({**EXAMPLES[name], **changed})


def draw(
    name: str,
    *,
    batch: int,
    positions: Any = None,
    step: int = 3,
    of: Any = None,
    **changed: object,
) -> dict[str, np.ndarray]:
    places = np.arange(batch) if positions is None else np.asarray(positions)
    return find_mask(name).draw(
        params(name, **changed),
        of or tokens(),
        draws=Draws(seed=5),
        step=step,
        positions=places.astype(np.int64),
        batch=batch,
    )


@EACH
def test_a_mask_says_what_it_is(name: str) -> None:
    op = find_mask(name)
    first, *rest = op.about.splitlines()
    assert first.endswith(".")
    assert "arXiv:" in " ".join(rest)
    assert op.rev >= 1
    assert op.Params.model_validate_json(params(name).model_dump_json()) == params(name)


@EACH
def test_draws_are_what_shapes_says(name: str) -> None:
    types = find_mask(name).shapes(params(name), {"of": tokens()})
    drawn = draw(name, batch=6)
    assert set(drawn) == set(types)
    for output, kind in types.items():
        assert drawn[output].shape == kind.shape(batch=6)
        assert drawn[output].dtype == DTYPES[kind.dtype]
        assert kind.grid == (14, 14)
        if kind.dtype == "int":
            assert 0 <= drawn[output].min() <= drawn[output].max() < 196


@EACH
def test_a_part_of_the_batch_can_be_drawn_alone(name: str) -> None:
    whole = draw(name, batch=12)
    part = draw(name, batch=12, positions=[7, 2, 8])
    for output, array in part.items():
        np.testing.assert_array_equal(array, whole[output][:, [7, 2, 8]])


@EACH
def test_steps_and_views_differ(name: str) -> None:
    one, other = draw(name, batch=8), draw(name, batch=8, step=4)
    for output, array in one.items():
        if output.endswith("_valid"):
            continue  # two steps may draw blocks of one size
        assert (array != other[output]).any()
        assert (array[0] != array[1]).any()


@EACH
def test_tokens_without_a_grid_are_refused(name: str) -> None:
    flat = StreamType(("V", "B", "N", "D"), (2, BATCH, 197, 384), prefix=1)
    with pytest.raises(PortError, match="grid"):
        find_mask(name).shapes(params(name), {"of": flat})


def by_rectangle(target: float, *, numbers: np.ndarray, smallest: float, largest: float) -> set:
    """The published sampler, one rectangle after the other, as a set of (row, column)."""
    hidden: set[tuple[int, int]] = set()
    tries = iter(numbers)
    while len(hidden) < target:
        for _ in range(10):
            u = next(tries)
            remaining = min(target - len(hidden), largest)
            area = smallest + u[0] * (remaining - smallest)
            aspect = exp(log(3.33) * (2 * u[1] - 1))
            height, width = round(sqrt(area * aspect)), round(sqrt(area / aspect))
            if height >= 14 or width >= 14:
                continue
            top, left = int(u[2] * (15 - height)), int(u[3] * (15 - width))
            new = {(top + r, left + c) for r in range(height) for c in range(width)} - hidden
            if 1 <= len(new) <= remaining:
                hidden |= new
                break
        else:
            break
    return hidden


@pytest.mark.parametrize("ratio", [0.13, 0.3, 0.5])
def test_rectangles_are_those_of_the_published_sampler(ratio: float) -> None:
    drawn = draw("blockwise", batch=40, ratios=[[ratio, ratio]])[""].reshape(2, 40, 14, 14)
    for view in range(2):
        numbers = [
            Draws(seed=5).uniform(
                f"blockwise.rectangles.{i}", step=3, samples=np.arange(40), view=view, count=128
            )
            for i in range(8)
        ]
        for sample in range(40):
            own = np.concatenate([n[sample].reshape(-1, 4) for n in numbers])
            hidden = by_rectangle(196 * ratio, numbers=own, smallest=16, largest=196)
            assert hidden == set(zip(*np.nonzero(drawn[view, sample]), strict=True))


def test_blockwise_leaves_half_the_images_whole_and_hides_what_was_drawn_of_the_rest() -> None:
    hidden = draw("blockwise", batch=400)[""].sum(axis=-1).ravel()
    assert 0.45 < (hidden == 0).mean() < 0.55
    some = hidden[hidden > 0]
    assert some.max() <= 98
    # Uniform on [0.1, 0.5] has mean 58.8 patches; rectangles that no longer fit leave it short.
    assert 50 < some.mean() < 59


def test_stratified_masks_a_fixed_share_with_one_ratio_per_bin() -> None:
    drawn = draw("stratified", batch=25)
    hidden = np.sort(drawn["mask"].sum(axis=-1).ravel())
    assert (hidden[:25] == 0).all()
    assert (hidden[25:] > 0).all()
    ends = np.floor(196 * (0.1 + 0.4 * np.arange(1, 26) / 25))
    assert (hidden[25:] <= ends).all()
    assert np.mean(hidden[25:] >= ends - 196 * 0.4 / 25 - 4) > 0.9


def test_stratified_ids_are_the_mask() -> None:
    drawn = draw("stratified", batch=8)
    for place in np.ndindex(2, 8):
        ids, valid = drawn["ids"][place], drawn["valid"][place]
        assert ids[valid].tolist() == np.flatnonzero(drawn["mask"][place]).tolist()
        assert (ids[~valid] == 0).all()


def test_random_keep_keeps_every_patch_equally_often() -> None:
    kept = draw("random_keep", batch=400)[""]
    assert kept.shape == (2, 400, 49)
    assert all(len(set(row)) == 49 for row in kept.reshape(-1, 49).tolist())
    often = np.bincount(kept.ravel(), minlength=196) / 800
    assert np.abs(often - 0.25).max() < 0.075
    # In the order of the noise, not of the grid.
    assert 80 < kept[..., 0].mean() < 115


@pytest.mark.parametrize(
    ("name", "changed", "why"),
    [
        ("stratified", {"ratios": [0.0, 0.001]}, "no patch"),
        ("random_keep", {"share": 0.001}, "no patch"),
        ("context_targets", {"target_scale": [0.001, 0.2]}, "no patch"),
        ("context_targets", {"context_share": 0.05}, "but needs 11"),
        ("context_targets", {"context_scale": [0.05, 1.0]}, "has fewer than 11 patches"),
    ],
)
def test_sizes_that_cannot_be_are_refused(name: str, changed: dict, why: str) -> None:
    with pytest.raises(PortError, match=why):
        find_mask(name).shapes(params(name, **changed), {"of": tokens()})


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("blockwise", {"ratios": [[0.5, 0.1]]}),
        ("blockwise", {"ratios": []}),
        ("stratified", {"ratios": [0.5, 1.1]}),
        ("random_keep", {"share": 1.0}),
    ],
)
def test_params_without_meaning_are_refused(name: str, changed: dict) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        params(name, **changed)
