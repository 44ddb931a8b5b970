"""Every relation between stored views keeps the contract of relations."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from eqspec.ops.find import find_relation, op_names
from tests.fake_objects import drawn_latents
from tests.relation_examples import EXAMPLES, example_params

EACH = pytest.mark.parametrize("name", EXAMPLES)


def latents(phase: int, *, count: int = 7) -> np.ndarray:
    """Latents of twenty views, `[20, count]`."""
    return drawn_latents(phase, views=20)[:, :count]


def test_no_relation_is_called_like_a_transform() -> None:
    assert not set(op_names("relations")) & set(op_names("transforms"))


@EACH
def test_a_relation_says_what_it_is(name: str) -> None:
    op, params = find_relation(name), example_params(name)
    assert op.about.splitlines()[0].endswith(".")
    assert op.rev >= 1
    assert op.Params.model_validate_json(params.model_dump_json()) == params
    with pytest.raises(ValidationError, match="shear"):
        op.Params.model_validate({"shear": 1})
    assert len(set(op.names(params))) == len(op.names(params)) > 0


@EACH
def test_actions_are_of_the_promised_width(name: str) -> None:
    op, params = find_relation(name), example_params(name)
    actions = op.encode(params, latents(0), latents(1))
    assert actions.shape == (20, len(op.names(params)))
    assert actions.dtype == np.float64
    alone = op.encode(params, latents(0)[3:4], latents(1)[3:4])
    np.testing.assert_array_equal(alone[0], actions[3])


@EACH
def test_no_more_latents_are_read_than_it_says(name: str) -> None:
    op, params = find_relation(name), example_params(name)
    count = op.latents(params)
    needed = op.encode(params, latents(0, count=count), latents(1, count=count))
    np.testing.assert_array_equal(needed, op.encode(params, latents(0), latents(1)))
    with pytest.raises(IndexError):
        op.encode(params, latents(0, count=count - 1), latents(1, count=count - 1))


@EACH
def test_the_identity_is_not_zero(name: str) -> None:
    """A linear predictor without bias would predict nothing at all."""
    op, params = find_relation(name), example_params(name)
    still = op.encode(params, latents(0), latents(0))
    np.testing.assert_allclose(still, np.broadcast_to(still[0], still.shape), atol=1e-12)
    assert np.abs(still[0]).max() > 0.5
