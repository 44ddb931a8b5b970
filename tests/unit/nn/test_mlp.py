"""Tests of MLPs against the same networks built from torch's layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.heads.mlp import Mlp, MlpDesign
from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from tests.reference.waves import wave

VIEWS, BATCH, WIDTH = 2, 5, 6

DESIGNS = {
    "VICReg's expander": (
        MlpDesign(widths=(8, 8, 7), norm="batch", last_bias=False),
        lambda: nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 7, bias=False),
        ),
    ),
    "MoCo v3's projector": (
        MlpDesign(
            widths=(8, 8, 7), norm="batch", bias=False, last_bias=False,
            last_norm="batch-no-affine",
        ),
        lambda: nn.Sequential(
            nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 7, bias=False), nn.BatchNorm1d(7, affine=False),
        ),
    ),
    "iBOT's trunk": (
        MlpDesign(widths=(8, 8, 7), activation="gelu", std=0.02),
        lambda: nn.Sequential(
            nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 7)
        ),
    ),
    "one with layer norm": (
        MlpDesign(widths=(8, 7), norm="layer"),
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 7)),
    ),
    "E-SSL's head": (
        MlpDesign(widths=(8, 8, 7), norm="layer", last_norm="layer"),
        lambda: nn.Sequential(
            nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(),
            nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(),
            nn.Linear(8, 7), nn.LayerNorm(7),
        ),
    ),
}  # fmt: skip


def ours(design: MlpDesign) -> Mlp:
    module = Mlp(WIDTH, design=design, world=World())
    initialise(module, seed=0, name="head")
    return module.double()


@pytest.mark.parametrize("name", DESIGNS)
def test_papers_heads(name: str) -> None:
    design, written_out = DESIGNS[name]
    built, wanted = ours(design), written_out().double()
    layers = zip(built.linears, built.norms, strict=True)
    mine = [part for pair in layers for part in pair if not isinstance(part, nn.Identity)]
    theirs = [part for part in wanted if not isinstance(part, nn.ReLU | nn.GELU)]
    for a, b in zip(mine, theirs, strict=True):
        assert {n for n, _ in a.named_parameters()} == {n for n, _ in b.named_parameters()}
        b.load_state_dict(a.state_dict(), strict=False)
    x = wave(VIEWS * BATCH, WIDTH, 0.3)
    per_view = torch.cat([wanted(view) for view in x.chunk(VIEWS)])
    torch.testing.assert_close(built(x=x, views=VIEWS), per_view, rtol=1e-12, atol=1e-12)


def test_statistics_of_the_batch_are_those_of_the_concatenated_views() -> None:
    """As in SimCLR's code, whose head is called once on both views."""
    widths = {"widths": (9, 7), "norm": "batch", "last_norm": "batch"}
    joint = ours(MlpDesign(**widths, statistics="batch"))
    x = wave(VIEWS * BATCH, WIDTH, 0.3)
    linears, norms = joint.linears, [nn.BatchNorm1d(9).double(), nn.BatchNorm1d(7).double()]
    wanted = norms[1](linears[1](norms[0](linears[0](x)).relu()))
    torch.testing.assert_close(joint(x=x, views=VIEWS), wanted, rtol=1e-12, atol=1e-12)
    apart = ours(MlpDesign(**widths))(x=x, views=VIEWS)
    assert (apart - wanted).abs().max() > 0.01


def test_simclrs_last_norm_has_a_scale_and_no_offset() -> None:
    built = ours(MlpDesign(widths=(7,), last_bias=False, last_norm="batch-no-offset", std=0.01))
    assert {name for name, _ in built.norms.named_parameters()} == {"0.weight"}


def test_normalised_outputs_have_unit_length() -> None:
    x = wave(4, WIDTH, 0.3)
    design = MlpDesign(widths=(7,), normalise=True)
    wanted = functional.normalize(ours(MlpDesign(widths=(7,)))(x=x), dim=-1)
    torch.testing.assert_close(ours(design)(x=x), wanted)


def test_tokens_share_the_statistics_of_their_view() -> None:
    built = ours(MlpDesign(widths=(7,), last_norm="batch-no-affine"))
    y = built(x=wave(VIEWS * BATCH * 3, WIDTH, 0.3).reshape(VIEWS * BATCH, 3, WIDTH), views=VIEWS)
    for view in y.chunk(VIEWS):
        torch.testing.assert_close(
            view.mean(dim=(0, 1)), torch.zeros(7).double(), rtol=0, atol=1e-9
        )
