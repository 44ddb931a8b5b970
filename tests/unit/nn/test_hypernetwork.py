"""Tests of SIE's predictor: one weight matrix per action."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.heads.hypernetwork import Hypernetwork
from eqspec.nn.world import World
from eqspec.ops.heads import hypernetwork
from eqspec.ops.op import BATCH, PortError, StreamType
from tests.reference.waves import wave


def predictor(*, bias: bool = False) -> Hypernetwork:
    """SIE's weights of the parity test: rows are entries of W, out before in."""
    built = Hypernetwork(4, actions=4, bias=bias).double()
    with torch.no_grad():
        built.generator.weight.copy_(0.5 * wave(16, 4, 0.5))
        if bias:
            built.generator.bias.copy_(wave(16, 1, 0.2)[:, 0])
    return built


@pytest.mark.parametrize("bias", [False, True])
def test_each_sample_has_weights_of_its_own(*, bias: bool) -> None:
    built, x, z = predictor(bias=bias), wave(8, 4, 0.0), wave(8, 4, 0.7)
    with torch.no_grad():
        rows = [built.generator(z_n).reshape(4, 4) @ x_n for x_n, z_n in zip(x, z, strict=True)]
        torch.testing.assert_close(built(x=x, action=z), torch.stack(rows))


def test_published_loss() -> None:
    """SIE's equivariance term with these weights: 10 · 0.45 · mse / 4.5 on the last features."""
    x, y = wave(8, 8, 0.0)[:, 4:], wave(8, 8, 0.3)[:, 4:]
    z = torch.nn.functional.normalize(wave(8, 4, 0.7), dim=1)
    loss = (predictor()(x=x, action=z) - y).square().mean()
    assert loss.item() == pytest.approx(0.7892256479, abs=1e-9)


def test_tokens_share_the_action_of_their_image() -> None:
    built, x, z = predictor(), wave(24, 4, 0.0).reshape(8, 3, 4), wave(8, 4, 0.7)
    wanted = torch.stack([built(x=x[:, n], action=z) for n in range(3)], dim=1)
    torch.testing.assert_close(built(x=x, action=z), wanted)


def test_one_action_for_all() -> None:
    built, x, z = predictor(), wave(8, 4, 0.0), wave(1, 4, 0.7)[0]
    torch.testing.assert_close(built(x=x, action=z), built(x=x, action=z.expand(8, 4)))


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (8, 3, 4), (8, 4, 4)])
def test_actions_that_would_be_broadcast_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not match"):
        predictor()(x=wave(8, 4, 0.0), action=torch.ones(shape, dtype=torch.float64))


def test_a_view_axis_that_the_action_lacks_is_refused() -> None:
    streams = {
        "x": StreamType(("V", "B", "D"), (2, BATCH, 4)),
        "action": StreamType(("B", "A"), (BATCH, 3)),
    }
    with pytest.raises(PortError, match="does not match"):
        hypernetwork.shapes(hypernetwork.Params(), streams)
    assert hypernetwork.build(
        hypernetwork.Params(), streams, world=World()
    ).generator.weight.shape == (16, 3)
