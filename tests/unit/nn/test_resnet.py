"""Tests of the ResNet against timm's, and of batch statistics per view."""

from __future__ import annotations

import pytest
import torch
from timm.models.resnet import BasicBlock, Bottleneck, ResNet

from eqspec.nn.encoders.resnet import ResNetTokens
from eqspec.nn.layers.initialise import Constant, Normal, initialise, rules_of
from eqspec.nn.world import World
from eqspec.ops.backbones import resnet
from eqspec.ops.op import BATCH, StreamType
from tests.reference.waves import wave


def images_type(side: int) -> StreamType:
    return StreamType(("V", "B", "C", "H", "W"), (2, BATCH, 3, side, side))


def built(side: int = 40, **params: object) -> torch.nn.Module:
    """On the meta device."""
    parsed = resnet.Params.model_validate({"depth": 18} | params)
    with torch.device("meta"):
        return resnet.build(parsed, {"images": images_type(side)}, world=World())


@pytest.mark.parametrize("bottleneck", [False, True])
def test_the_same_weights_give_timms_feature_map(*, bottleneck: bool) -> None:
    """In training mode, where timm's network is called on each view in turn."""
    with torch.device("meta"):
        theirs = ResNet(
            Bottleneck if bottleneck else BasicBlock, (1, 2, 1, 1), num_classes=0, global_pool=""
        )
        ours = ResNetTokens(
            blocks=(1, 2, 1, 1),
            bottleneck=bottleneck,
            stem="imagenet",
            zero_init_last=False,
            world=World(),
        )
    ours.to_empty(device="cpu")
    initialise(ours, seed=0, name="encoder")
    ours.double()
    theirs.to_empty(device="cpu").double()
    unknown = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert not unknown.unexpected_keys
    assert all("num_batches_tracked" in key for key in unknown.missing_keys)
    images = wave(4 * 3 * 40, 40, 0.1).reshape(4, 3, 40, 40)
    wanted = torch.cat([theirs(view) for view in images.chunk(2)]).flatten(2).mT
    tokens = ours(images=images, views=2)
    torch.testing.assert_close(tokens[:, 1:], wanted, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(tokens[:, 0], wanted.mean(dim=1), rtol=1e-9, atol=1e-9)
    for name, buffer in ours.named_buffers():
        torch.testing.assert_close(buffer, theirs.state_dict()[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("depth", "parameters"), [(18, 11_176_512), (50, 23_508_032)])
def test_counted_parameters(depth: int, parameters: int) -> None:
    """Of torchvision's networks without their classifiers."""
    assert sum(p.numel() for p in built(depth=depth).parameters()) == parameters


@pytest.mark.parametrize(
    ("stem", "side", "grid"),
    [("imagenet", 40, (2, 2)), ("cifar", 20, (3, 3)), ("cifar", 33, (5, 5))],
)
def test_the_grid_is_that_of_the_last_feature_map(
    stem: str, side: int, grid: tuple[int, int]
) -> None:
    params = resnet.Params.model_validate({"depth": 18, "stem": stem})
    tokens = resnet.shapes(params, {"images": images_type(side)})
    assert (tokens.grid, tokens.prefix) == (grid, 1)
    result = built(side, stem=stem)(images=torch.empty(2, 3, side, side, device="meta"))
    assert result.shape == (2, tokens.size("N"), tokens.size("D"))


def test_blocks_can_start_as_their_shortcuts() -> None:
    plain, zero = rules_of(built()), rules_of(built(zero_init_last=True))
    assert plain["layer1.0.bn2.weight"] == Constant(1.0)
    assert zero["layer1.0.bn2.weight"] == Constant(0.0)
    assert zero["layer1.0.bn1.weight"] == Constant(1.0)
    assert plain["layer2.0.conv1.weight"] == Normal((2 / (9 * 128)) ** 0.5)
    assert rules_of(built(depth=50, zero_init_last=True))["layer1.0.bn3.weight"] == Constant(0.0)


def test_groups_reach_every_norm() -> None:
    assert {m.group for m in built(group=2).modules() if hasattr(m, "group")} == {2}
