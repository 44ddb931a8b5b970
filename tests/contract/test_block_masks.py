"""I-JEPA's blocks: sized once per step, placed for each sample, cut to the batch's smallest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eqspec.ops.find import find_mask
from tests.contract.test_masks import draw, params, tokens

NAME = "context_targets"
RATIOS = {"target_scale": [0.175, 0.175], "target_aspect": [1.125, 1.125]}


def sides(ids: np.ndarray, *, columns: int) -> tuple[int, int, int, int]:
    """(first row, rows, first column, columns) of a rectangle of ids."""
    rows, places = ids // columns, ids % columns
    height, width = np.ptp(rows) + 1, np.ptp(places) + 1
    assert len(set(ids)) == height * width, "a full rectangle"
    return rows.min(), height, places.min(), width


def test_targets_are_blocks_of_one_size_and_the_context_leaves_them_out() -> None:
    drawn = draw(NAME, batch=64, of=tokens(16, 16))
    for view in range(2):
        sizes = set()
        for sample in range(64):
            ids, valid = (drawn[name][view, sample] for name in ("targets", "targets_valid"))
            for block in range(4):
                top, height, left, width = sides(ids[block][valid[block]], columns=16)
                sizes.add((height, width))
                assert top + height <= 15
                assert left + width <= 15
            context = drawn["context"][view, sample][drawn["context_valid"][view, sample]]
            assert (np.diff(context) > 0).all()
            assert not set(context) & set(ids[valid])
        assert len(sizes) == 1


def test_sizes_change_with_the_step_and_are_those_of_the_paper() -> None:
    """One number sets scale and aspect; the largest block has just the room that it needs."""
    wanted = set()
    for r in np.linspace(0, 1, 1024):
        patches, aspect = int(256 * (0.15 + 0.05 * r)), 0.75 + 0.75 * r
        wanted.add((round(math.sqrt(patches * aspect)), round(math.sqrt(patches / aspect))))
    found = set()
    for step in range(60):
        drawn = draw(NAME, batch=2, of=tokens(16, 16), step=step)
        ids, valid = drawn["targets"][0, 0, 0], drawn["targets_valid"][0, 0, 0]
        _, height, _, width = sides(ids[valid], columns=16)
        found.add((height, width))
    assert len(found) > 3
    assert found <= wanted
    assert drawn["targets"].shape[-1] == max(height * width for height, width in wanted)


@pytest.mark.parametrize("group", [None, 4])
def test_contexts_are_as_large_as_the_smallest_of_their_batch(group: int | None) -> None:
    drawn = draw(NAME, batch=16, context_share=0.9, group=group)
    whole = draw(NAME, batch=16, context_share=0.9, group=1)
    for view in range(2):
        alone = whole["context_valid"][view].sum(axis=1)
        smallest = alone.reshape(-1, group or 16).min(axis=1).repeat(group or 16)
        kept = drawn["context_valid"][view]
        assert (kept.sum(axis=1) == smallest).all()
        assert len(set(alone)) > 5
        for sample in range(16):
            first = whole["context"][view, sample][: smallest[sample]]
            assert (drawn["context"][view, sample][kept[sample]] == first).all(), "the upper rows"


def test_ids_that_do_not_count_are_the_first() -> None:
    drawn = draw(NAME, batch=8)
    for name in ("context", "targets"):
        ids, valid = drawn[name], drawn[f"{name}_valid"]
        assert not ids[~valid].any()
        assert (np.diff(valid.astype(int), axis=-1) <= 0).all(), "those that count come first"


def test_a_context_has_no_more_than_there_is_room_for() -> None:
    drawn = draw(NAME, batch=8, context_share=0.1)
    assert drawn["context_valid"].all()
    assert drawn["context"].shape == (2, 8, 19)


def test_a_context_that_is_too_small_gives_up_targets_from_the_last() -> None:
    """Of a 7 x 7 block, one target leaves at least 37 patches and two may leave only 25."""
    sized = {"context_scale": [0.925, 0.925], "context_share": 0.7, "min_keep": 31, "group": 1}
    drawn = draw(NAME, batch=200, of=tokens(8, 8), **RATIOS, **sized)
    given_up = np.zeros(4, dtype=np.int64)
    for place in np.ndindex(2, 200):
        context = set(drawn["context"][place][drawn["context_valid"][place]])
        assert len(context) > 31
        blocks = zip(drawn["targets"][place], drawn["targets_valid"][place], strict=True)
        given_up += [bool(context & set(ids[valid])) for ids, valid in blocks]
    assert given_up[0] == 0
    assert 0 < given_up[2] < given_up[3]


def test_the_card_has_room_for_nearly_every_context() -> None:
    """Of the 128 samples of a released device, the smallest context hardly ever needs more."""
    cut = 0
    for step in range(30):
        drawn = draw(NAME, batch=128, step=step, of=tokens(views=1))
        cut += int(drawn["context_valid"].all())
    assert cut <= 1


def test_room_does_not_depend_on_the_step() -> None:
    types = find_mask(NAME).shapes(params(NAME), {"of": tokens()})
    assert {name: kind.sizes[2:] for name, kind in types.items()} == {
        "context": (78,),
        "context_valid": (78,),
        "targets": (4, 40),
        "targets_valid": (4, 40),
    }
