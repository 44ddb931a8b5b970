"""Tests that I-JEPA's predictor predicts target blocks independently."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.heads.predictor import LatentPredictor
from eqspec.nn.layers.initialise import initialise
from eqspec.ops.heads import predictor
from eqspec.ops.op import BATCH, PortError, StreamType
from tests.reference.waves import wave

CONTEXT = torch.tensor([[0, 1, 5], [4, 2, 3]])
WANT = torch.tensor([[[6, 7], [10, 11]], [[7, 8], [6, 7]]])


def finished() -> LatentPredictor:
    module = LatentPredictor(6, grid=(3, 4), width=8, depth=2, heads=2)
    initialise(module, seed=0, name="predictor")
    return module.double()


def tokens() -> torch.Tensor:
    return wave(6, 6, 0.3).reshape(2, 3, 6)


def test_blocks_are_predicted_apart() -> None:
    module, x = finished(), tokens()
    both = module(x=x, context=CONTEXT, want=WANT)
    assert both.shape == (2, 2, 2, 6)
    for block in range(2):
        alone = module(x=x, context=CONTEXT, want=WANT[:, block : block + 1])
        torch.testing.assert_close(alone[:, 0], both[:, block])


def test_order_is_nothing_and_position_is_all() -> None:
    module, x = finished(), tokens()
    both = module(x=x, context=CONTEXT, want=WANT)
    turned = module(x=x.flip(1), context=CONTEXT.flip(1), want=WANT.flip(2))
    torch.testing.assert_close(turned, both.flip(2))
    moved = module(x=x, context=CONTEXT.flip(1), want=WANT)
    assert (moved - both).abs().max() > 1e-6


def test_invalid_tokens_are_not_attended_to() -> None:
    """Padding of context and target changes nothing for the rest, whatever it holds."""
    module, x = finished(), tokens()
    both = module(x=x, context=CONTEXT, want=WANT)
    padded = {
        "x": torch.cat([x, 7 * torch.ones(2, 2, 6, dtype=x.dtype)], dim=1),
        "context": torch.cat([CONTEXT, torch.zeros(2, 2, dtype=torch.int64)], dim=1),
        "context_valid": torch.tensor([[True, True, True, False, False]]).expand(2, -1),
        "want": torch.cat([WANT, torch.zeros(2, 2, 1, dtype=torch.int64)], dim=2),
        "want_valid": torch.tensor([True, True, False]).expand(2, 2, -1),
    }
    more = module(**padded)
    torch.testing.assert_close(more[:, :, :2], both)
    everything = {name: value for name, value in padded.items() if "valid" not in name}
    assert (module(**everything)[:, :, :2] - both).abs().max() > 1e-6


@pytest.mark.parametrize(
    ("changes", "port"),
    [
        ({"x": StreamType(("B", "N", "D"), (BATCH, 4, 6))}, "x"),
        ({"x": StreamType(("B", "N", "D"), (BATCH, 3, 6), prefix=1)}, "x"),
        ({"want": StreamType(("B", "T", "P"), (BATCH, 2, 2), dtype="int")}, "want"),
        ({"want": StreamType(("B", "T", "P"), (BATCH, 2, 2), grid=(4, 4), dtype="int")}, "want"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, StreamType], port: str) -> None:
    streams = {
        "x": StreamType(("B", "N", "D"), (BATCH, 3, 6)),
        "context": StreamType(("B", "M"), (BATCH, 3), grid=(3, 4), dtype="int"),
        "want": StreamType(("B", "T", "P"), (BATCH, 2, 2), grid=(3, 4), dtype="int"),
    }
    params = predictor.Params(width=8, depth=1, heads=2)
    assert predictor.shapes(params, streams).axes == ("B", "T", "P", "D")
    with pytest.raises(PortError) as refused:
        predictor.shapes(params, streams | changes)
    assert refused.value.port == port
