"""Token maps move as images do, and a few blocks of a transformer make one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eqspec.nn.terms.token_contrast import moved
from eqspec.ops.find import find_module, find_transform
from eqspec.ops.terms.token_contrast import Move
from eqspec.registry.cards import EquivarianceCard
from eqspec.registry.catalog import open_catalog
from tests.module_examples import Case

SIDE, PATCH = 3, 4
CARD = open_catalog().card(EquivarianceCard, "ser").model
MOVES = CARD.add.terms["equivariance"].params["moves"]
COPIES = CARD.add.views["mirrored"].copies


def patches(image: Tensor) -> Tensor:
    """Mean colours of the patches `[N, 3]`, row by row."""
    means = image.reshape(3, SIDE, PATCH, SIDE, PATCH).mean(dim=(2, 4))
    return means.flatten(1).T


@pytest.mark.parametrize("number", range(4))
def test_the_moves_of_the_card_are_what_its_steps_do(number: int) -> None:
    image = torch.rand(3, SIDE * PATCH, SIDE * PATCH, generator=torch.Generator().manual_seed(0))
    pixels = image[None]
    for step in COPIES[number]:
        op = find_transform(step.impl)
        if op.kind == "geometry":
            assert step.p == 1
            at = op.build(op.Params(**step.params), size=SIDE * PATCH, border="reflect")
            (pixels,) = at(pixels, torch.empty(1, 0), fractions=(1.0,))
    assert isinstance(MOVES, list)
    move = Move.model_validate(MOVES[number])
    followed = moved(patches(image), flip=move.flip, turns=move.turns, grid=(SIDE, SIDE))
    torch.testing.assert_close(followed, patches(pixels[0]))
    assert not torch.allclose(followed, patches(image))


@pytest.mark.parametrize("blocks", [1, 2])
def test_tokens_after_some_blocks_have_passed_the_last_norm(blocks: int) -> None:
    case = Case("backbones", "vit", "")
    vit, images = case.module(), case.inputs()["images"]
    (wanted,) = vit.layers(images, [blocks - 1])
    assert torch.equal(vit(images=images, blocks=blocks), wanted)
    op = find_module("backbones", "vit")
    assert op.blocks(case.params) == 2
    assert op.blocks(case.params.model_copy(update={"taps": 2})) == 0
