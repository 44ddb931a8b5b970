"""Every transform keeps the contract of transforms."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from eqspec.nn.pixels.path import Border
from eqspec.ops.find import find_transform
from tests.transform_examples import (
    EXAMPLES,
    PATHS,
    drawn_theta,
    example_at,
    example_params,
    noise,
)

EACH = pytest.mark.parametrize("name", EXAMPLES)
EACH_PATH = pytest.mark.parametrize("name", PATHS)
EACH_BORDER = pytest.mark.parametrize("border", get_args(Border))
THIRDS = (1 / 3, 2 / 3, 1.0)


def fractions(name: str) -> tuple[float, ...]:
    """A transform that is no path knows only the whole of itself."""
    return THIRDS if name in PATHS else (1.0,)


@EACH
def test_a_transform_says_what_it_is(name: str) -> None:
    op = find_transform(name)
    assert op.about.splitlines()[0].endswith(".")
    assert op.rev >= 1
    assert type(op.path) is bool
    assert op.kind in {"geometry", "photometry"}
    assert len(op.names) == len(set(op.names)) == len(op.identity)


@EACH
def test_params_survive_json_and_refuse_what_they_do_not_know(name: str) -> None:
    params = example_params(name)
    assert type(params).model_validate_json(params.model_dump_json()) == params
    with pytest.raises(ValidationError, match="shear"):
        type(params).model_validate({"shear": 1})


@EACH_PATH
def test_defaults_are_neutral(name: str) -> None:
    op = find_transform(name)
    assert op.ranges(op.Params(), size=32) == tuple((x, x) for x in op.identity)
    assert op.reach(op.Params(), size=32) == pytest.approx(0)


@EACH
def test_ranges_are_one_per_name_and_ordered(name: str) -> None:
    op = find_transform(name)
    bounds = op.ranges(example_params(name), size=32)
    assert len(bounds) == len(op.names)
    assert all(low <= high for low, high in bounds)


@EACH_PATH
def test_actions_are_of_the_promised_width_and_bounded(name: str) -> None:
    op, params = find_transform(name), example_params(name)
    theta = drawn_theta(name, batch=50).double().numpy()
    actions = op.encode(params, theta, size=32)
    assert actions.shape == (50, op.action_dim)
    assert actions.dtype == np.float64
    assert np.abs(actions).max() <= 1 + 1e-6
    identity = op.encode(params, np.array([op.identity]), size=32)
    assert identity[0, 0] == 1, "a linear predictor without bias would predict nothing at all"
    assert set(identity.flatten()) <= {0.0, 1.0}
    neutral = op.encode(op.Params(), np.array([op.identity]), size=32)
    np.testing.assert_array_equal(neutral, identity)


@EACH
@EACH_BORDER
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_images_that_come_out(name: str, border: str, dtype: torch.dtype) -> None:
    canvas, theta = noise(48).to(dtype), drawn_theta(name, batch=3)
    images = example_at(name, border=border)(canvas, theta, fractions=fractions(name))
    assert images.shape == (len(fractions(name)), 3, 3, 32, 32)
    assert images.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert images.min() >= -1e-6
    assert images.max() <= 1 + 1e-6
    again = example_at(name, border=border)(canvas, theta, fractions=fractions(name))
    assert torch.equal(again, images)


@EACH
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_a_pixel_is_as_good_as_its_float32(name: str, dtype: torch.dtype) -> None:
    canvas, theta, at = noise().to(dtype), drawn_theta(name, batch=3), example_at(name)
    half = at(canvas, theta, fractions=fractions(name))
    assert torch.equal(half, at(canvas.float(), theta, fractions=fractions(name)))


@EACH
def test_float32_is_float64_rounded(name: str) -> None:
    canvas, theta, at = noise(), drawn_theta(name, batch=3), example_at(name)
    single = at(canvas, theta, fractions=fractions(name))
    double = at(canvas.double(), theta.double(), fractions=fractions(name))
    tolerance = 1e-4 if find_transform(name).kind == "geometry" else 2e-6
    torch.testing.assert_close(single.double(), double, atol=tolerance, rtol=0)


@EACH
def test_images_know_nothing_of_their_batch(name: str) -> None:
    at, size = example_at(name), 6
    canvas, theta = noise(batch=size), drawn_theta(name, batch=size)
    whole = at(canvas, theta, fractions=fractions(name))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    permuted = at(canvas[order], theta[order], fractions=fractions(name))
    torch.testing.assert_close(permuted, whole[:, order], atol=1e-6, rtol=0)
    for i in range(size):
        alone = at(canvas[i : i + 1], theta[i : i + 1], fractions=fractions(name))
        torch.testing.assert_close(alone[:, 0], whole[:, i], atol=1e-6, rtol=0)


@EACH
def test_points_know_nothing_of_one_another(name: str) -> None:
    at, canvas, theta = example_at(name), noise(), drawn_theta(name, batch=3)
    together = at(canvas, theta, fractions=fractions(name))
    for k, fraction in enumerate(fractions(name)):
        alone = at(canvas, theta, fractions=(fraction,))
        torch.testing.assert_close(alone[0], together[k], atol=1e-6, rtol=0)


@EACH
def test_what_goes_in_is_left_alone(name: str) -> None:
    canvas, theta = noise(), drawn_theta(name, batch=3)
    before = canvas.clone(), theta.clone()
    example_at(name)(canvas, theta, fractions=fractions(name))
    assert torch.equal(canvas, before[0])
    assert torch.equal(theta, before[1])


@EACH
def test_runs_on_meta(name: str) -> None:
    canvas, theta = noise().to("meta"), drawn_theta(name, batch=3).to("meta")
    images = example_at(name)(canvas, theta, fractions=fractions(name))
    assert images.shape == (len(fractions(name)), 3, 3, 32, 32)


@EACH
def test_traces_whole(name: str) -> None:
    at, canvas, theta = example_at(name), noise(), drawn_theta(name, batch=3)
    compiled = torch.compile(at, fullgraph=True, backend="aot_eager")
    expected = at(canvas, theta, fractions=fractions(name))
    traced = compiled(canvas, theta, fractions=fractions(name))
    torch.testing.assert_close(traced, expected, atol=1e-5, rtol=0)
