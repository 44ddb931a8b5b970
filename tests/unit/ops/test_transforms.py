"""Tests of units, encodings, reaches and refused parameters of transforms."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from eqspec.errors import UsageError
from eqspec.ops.transforms import blur, color, combined, rot, se2, trans
from tests.transform_examples import noise

HALF_ROOT = sqrt(3) / 2
PAPER = {
    rot: {"degrees": (-45, 45)},
    trans: {"pixels": (-10, 10)},
    se2: {"degrees": (-45, 45), "pixels": (-10, 10)},
    color: {
        "brightness": (-0.4, 0.4),
        "contrast": (-0.4, 0.4),
        "saturation": (-0.4, 0.4),
        "hue": (-0.1, 0.1),
    },
    blur: {"sigma": (0.1, 2)},
}
PAPER[combined] = {
    name: bounds for one in (rot, color, blur, trans) for name, bounds in PAPER[one].items()
}


def paper(op: Any, **changed: object) -> Any:
    return op.Params.model_validate({**PAPER[op], **changed})


@pytest.mark.parametrize(
    ("op", "theta", "action"),
    [
        (rot, [30], [HALF_ROOT, 0.5]),
        (trans, [5, -10], [1, 0.5, -1]),
        (se2, [-30, 5, -10], [HALF_ROOT, -0.5, 1, 0.5, -1]),
        (color, [0.2, -0.4, 0.1, 0.05], [1, 0.5, -1, 0.25, 0.5]),
        (blur, [1.5], [1, 0.75]),
        (
            combined,
            [30, 0.2, -0.4, 0.1, 0.05, 1.5, 5, -10],
            [HALF_ROOT, 0.5, 1, 0.5, -1, 0.25, 0.5, 1, 0.75, 1, 0.5, -1],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_actions(op: Any, theta: list[float], action: list[float]) -> None:
    encoded = op.encode(paper(op), np.array([theta], dtype=np.float64), size=224)
    np.testing.assert_allclose(encoded, [action], atol=1e-12)


@pytest.mark.parametrize(
    ("op", "ranges"),
    [
        (trans, ((-5, 5), (-5, 5))),
        (se2, ((-45, 45), (-5, 5), (-5, 5))),
        (blur, ((0.05, 1),)),
        (rot, ((-45, 45),)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_pixels_are_stated_at_224_and_scale(op: Any, ranges: tuple[tuple[float, float]]) -> None:
    np.testing.assert_allclose(op.ranges(paper(op), size=112), ranges)


@pytest.mark.parametrize("op", [trans, se2, blur])
def test_pixels_can_be_stated_at_another_size(op: Any) -> None:
    assert op.ranges(paper(op, at=32), size=32) == op.ranges(paper(op), size=224)


def test_actions_do_not_depend_on_the_size() -> None:
    at_32 = trans.encode(paper(trans), np.array([[10 / 7, 0]]), size=32)
    np.testing.assert_allclose(at_32, [[1, 1, 0]])


def test_reach_of_the_papers_ranges() -> None:
    assert rot.reach(paper(rot), size=224) == pytest.approx(111.5 * (sqrt(2) - 1))
    assert trans.reach(paper(trans), size=224) == pytest.approx(10)
    assert se2.reach(paper(se2), size=224) == pytest.approx(121.5 * sqrt(2) - 111.5)
    assert color.reach(paper(color), size=224) == blur.reach(paper(blur), size=224) == 0


@pytest.mark.parametrize(
    ("op", "params"),
    [
        (rot, {"degrees": (45, -45)}),
        (color, {"brightness": (-1.1, 0)}),
        (color, {"hue": (0, 0.6)}),
        (color, {"contrast": (0.4, -0.4)}),
        (blur, {"sigma": (-0.1, 2)}),
        (blur, {"sigma": (2, 1)}),
        (trans, {"at": 0}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_ranges_that_make_no_sense(op: Any, params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        op.Params.model_validate(params)


def test_a_blur_wider_than_the_image_is_explained() -> None:
    params = blur.Params(sigma=(0, 3), at=8)
    with pytest.raises(UsageError, match="reaches 9 pixels, but the image has 8") as refused:
        blur.build(params, size=8, border="reflect")
    assert "`at`" in (refused.value.help or "")


def test_combined_equals_its_families_in_sequence() -> None:
    """One resampling for both motions, then colour, then blur; no family knows of another."""
    canvas = noise(32, batch=2, seed=4).double()
    theta = torch.tensor(
        [[30, 0.2, -0.3, 0.1, 0.05, 1.0, 5, -3], [-9, 0, 0.4, -0.2, -0.1, 2.0, 0, 8]]
    )
    theta = theta.double()
    at = {op: op.build(paper(op, **_AT.get(op, {})), size=32, border="reflect") for op in PAPER}
    for fraction in (1 / 3, 1.0):
        (built,) = at[combined](canvas, theta, fractions=(fraction,))
        (moved,) = at[se2](canvas, theta[:, [0, 6, 7]], fractions=(fraction,))
        (colored,) = at[color](moved, theta[:, 1:5], fractions=(fraction,))
        (wanted,) = at[blur](colored, theta[:, 5:6], fractions=(fraction,))
        torch.testing.assert_close(built, wanted, rtol=0, atol=1e-12)


_AT = {op: {"at": 32} for op in (blur, combined, se2, trans)}
"""So that a shift or a blur of so many pixels is one of so many here."""
