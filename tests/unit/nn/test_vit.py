"""Tests of the vision transformer against timm's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from eqspec.nn.encoders.vit import VisionTransformerTokens
from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.backbones import vit
from eqspec.ops.op import BATCH, PortError, StreamType
from tests.reference.waves import wave

SMALL = {"patch": 4, "width": 16, "depth": 3, "heads": 4}
BIT_EQUAL = {"rtol": 0, "atol": 0}


def images_type(side: int = 16, *, views: int = 2) -> StreamType:
    return StreamType(("V", "B", "C", "H", "W"), (views, BATCH, 3, side, side))


def built(side: int = 16, **params: Any) -> VisionTransformerTokens:
    parsed = vit.Params.model_validate(SMALL | params)
    module = vit.build(parsed, {"images": images_type(side)}, world=World())
    initialise(module, seed=0, name="encoder")
    return module.double()


def pictures(count: int = 2, *, side: int = 16) -> torch.Tensor:
    return wave(count * 3 * side, side, 0.1).reshape(count, 3, side, side)


@pytest.mark.parametrize("scaled", [None, 0.1])
@pytest.mark.parametrize("class_token", [True, False])
def test_timms_weights_give_timms_tokens(*, scaled: float | None, class_token: bool) -> None:
    theirs = VisionTransformer(
        img_size=16,
        patch_size=4,
        embed_dim=16,
        depth=3,
        num_heads=4,
        num_classes=0,
        global_pool="",
        class_token=class_token,
        init_values=scaled,
        norm_layer=lambda width, **_: torch.nn.LayerNorm(width, eps=1e-6),
    ).double()
    ours = built(class_token=class_token, layer_scale=scaled)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(
        ours(images=pictures()), theirs.forward_features(pictures()), **BIT_EQUAL
    )


def test_taps_are_the_tokens_of_the_last_blocks_side_by_side() -> None:
    encoder = built(taps=2)
    both = built().layers(pictures(), (1, 2))
    torch.testing.assert_close(encoder(images=pictures()), torch.cat(both, dim=-1), **BIT_EQUAL)
    torch.testing.assert_close(built()(images=pictures()), both[1], **BIT_EQUAL)
    taps = vit.Params.model_validate(SMALL | {"taps": 2})
    assert vit.shapes(taps, {"images": images_type()}).size("D") == 32


def test_a_mask_hides_what_it_covers() -> None:
    encoder = built(mask_token="zeros")
    images = pictures()
    mask = torch.zeros(2, 16, dtype=torch.bool)
    mask[0, 5] = True
    other = images.clone()
    other[0, :, 4:8, 4:8] += 1.0  # patch 5: second row, second column
    assert not torch.allclose(encoder(images=other), encoder(images=images))
    torch.testing.assert_close(
        encoder(images=other, mask=mask), encoder(images=images, mask=mask), **BIT_EQUAL
    )
    torch.testing.assert_close(encoder(images=images)[1], encoder(images=images, mask=mask)[1])


def test_a_masked_patch_still_knows_where_it_is() -> None:
    encoder = built(mask_token="zeros")
    everything = torch.ones(2, 16, dtype=torch.bool)
    tokens = encoder(images=pictures(), mask=everything)[:, 1:]
    assert (tokens[:, 0] - tokens[:, 1]).abs().max() > 1e-6


def test_kept_patches_are_seen_alone_and_in_order() -> None:
    """Keeping all patches, in whatever order, permutes the tokens; dropped ones are not seen."""
    encoder = built(registers=2)
    images = pictures()
    order = torch.stack([torch.arange(15, -1, -1), torch.arange(16).roll(3)])
    whole, shuffled = encoder(images=images), encoder(images=images, keep=order)
    wanted = whole[:, 3:].gather(1, order[:, :, None].expand(-1, -1, 16))
    torch.testing.assert_close(shuffled[:, 3:], wanted)
    torch.testing.assert_close(shuffled[:, :3], whole[:, :3])
    keep = torch.tensor([[0, 15], [5, 6]])
    other = images.clone()
    other[:, :, 0:4, 4:8] += 1.0  # patch 1, kept by none
    kept = encoder(images=images, keep=keep)
    assert kept.shape == (2, 5, 16)
    torch.testing.assert_close(encoder(images=other, keep=keep), kept, **BIT_EQUAL)


@pytest.mark.parametrize("class_token", [True, False])
def test_invalid_kept_patches_are_not_attended_to(*, class_token: bool) -> None:
    """Padding changes nothing for the rest: no token attends to it."""
    encoder, images = built(class_token=class_token), pictures()
    prefix = int(class_token)
    keep = torch.tensor([[3, 15, 8], [5, 6, 0]])
    alone = encoder(images=images, keep=keep)
    padded = torch.cat([keep, torch.zeros(2, 2, dtype=torch.int64)], dim=1)
    valid = torch.tensor([True, True, True, False, False]).expand(2, -1)
    more = encoder(images=images, keep=padded, valid=valid)
    torch.testing.assert_close(more[:, : prefix + 3], alone)
    blind = encoder(images=images, keep=padded)
    assert (blind[:, : prefix + 3] - alone).abs().max() > 1e-6


def test_dropped_branches_are_left_out_per_sample() -> None:
    encoder = built()
    images = pictures()
    drop = torch.ones(2, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(
        encoder(images=images, drop=drop), encoder(images=images), **BIT_EQUAL
    )
    drop[1] = 0.0
    result = encoder(images=images, drop=drop)
    torch.testing.assert_close(result[0], encoder(images=images)[0], **BIT_EQUAL)
    torch.testing.assert_close(result[1], encoder.norm(encoder.embed(images=images))[1])
    drop[1, 2, 1] = 2.0
    x = encoder.embed(images=images)
    block = encoder.blocks[2]
    wanted = encoder.norm(x + 2.0 * block.mlp(block.norm2(x)))[1]
    torch.testing.assert_close(encoder(images=images, drop=drop)[1], wanted)


@pytest.mark.parametrize("how", ["timm", "dino"])
@pytest.mark.parametrize("positions", ["learned", "sincos-x-first"])
def test_smaller_images_get_resampled_positions(how: str, positions: str) -> None:
    encoder = built(positions=positions, pos_interp=how)
    assert encoder(images=pictures(side=8)).shape == (2, 5, 16)
    assert encoder(images=torch.cat([pictures()] * 2, dim=3)).shape == (2, 33, 16)


def test_fixed_positions_are_no_parameters() -> None:
    encoder = built(positions="sincos-row-first")
    assert "pos_embed" not in dict(encoder.named_parameters())
    assert "pos_embed" in encoder.state_dict()


def test_a_frozen_part_is_not_trained() -> None:
    frozen = {n for n, p in built(freeze=["patch_embed"]).named_parameters() if not p.requires_grad}
    assert frozen == {"patch_embed.proj.weight", "patch_embed.proj.bias"}


# Dynamo asks a non-leaf input for its gradient and silences the warning, but not when it is raised.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_blocks_compiled_one_by_one_give_the_same_tokens() -> None:
    encoder = built()
    drop = torch.ones(2, 3, 2, dtype=torch.float64)
    wanted = encoder(images=pictures(), drop=drop)
    blocks = encoder.compilable_blocks()
    assert blocks == list(encoder.blocks)
    for block in blocks:
        block.compile(fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(encoder(images=pictures(), drop=drop), wanted, **BIT_EQUAL)


def test_drop_path_rates() -> None:
    def rates(**params: Any) -> tuple[float, ...]:
        return vit.drop_path_rates(vit.Params.model_validate(SMALL | params))

    assert rates() == (0.0, 0.0, 0.0)
    assert rates(drop_path=0.1) == (0.0, 0.05, 0.1)
    assert rates(drop_path=0.3, drop_path_shape="uniform") == (0.3, 0.3, 0.3)
    assert rates(drop_path=0.1, depth=1) == (0.0,)


def test_local_crops_have_a_grid_of_their_own() -> None:
    params = vit.Params.model_validate(SMALL | {"image_size": 16, "registers": 1})
    tokens = vit.shapes(params, {"images": images_type(8, views=5)})
    assert tokens == StreamType(("V", "B", "N", "D"), (5, BATCH, 6, 16), prefix=2, grid=(2, 2))


@pytest.mark.parametrize(
    ("port", "params", "streams"),
    [
        ("images", {}, {"images": images_type(18)}),
        ("mask", {}, {"mask": StreamType(("V", "B", "N"), (2, BATCH, 16), dtype="bool")}),
        (
            "mask",
            {"mask_token": "zeros"},
            {"mask": StreamType(("V", "B", "N"), (2, BATCH, 9), dtype="bool")},
        ),
        ("drop", {}, {"drop": StreamType(("V", "B", "L", "P"), (2, BATCH, 4, 2))}),
    ],
)
def test_what_does_not_fit_is_refused(port: str, params: dict, streams: dict) -> None:
    with pytest.raises(PortError) as refused:
        vit.shapes(vit.Params.model_validate(SMALL | params), {"images": images_type()} | streams)
    assert refused.value.port == port


@pytest.mark.parametrize(
    "wrong", [{"heads": 3}, {"width": 6, "heads": 1, "positions": "sincos-x-first"}]
)
def test_impossible_widths_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="width ="):
        vit.Params.model_validate(SMALL | wrong)
