"""Tests that every tensor is initialised from a stream of its own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from eqspec.nn.encoders.vit import VisionTransformerTokens, VitDesign
from eqspec.nn.heads.mlp import Mlp, MlpDesign
from eqspec.nn.layers.batch_norm import GatheredBatchNorm
from eqspec.nn.layers.initialise import Constant, Exactly, Normal, Uniform, initialise, rules_of
from eqspec.nn.layers.transformer_block import TransformerBlock
from eqspec.nn.world import World
from eqspec.ops.backbones.vit import Params


def layers(width: int = 5, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, width, bias=bias))


def initialised(module: nn.Module, *, seed: int = 0, name: str = "m") -> dict[str, torch.Tensor]:
    initialise(module, seed=seed, name=name)
    return {key: tensor.clone() for key, tensor in module.state_dict().items()}


def vit(**changes: object) -> VisionTransformerTokens:
    params = {"width": 8, "depth": 2, "heads": 2, "patch": 4, "image_size": 8} | changes
    checked = Params.model_validate(params)
    drawn = {"drop_path", "drop_path_shape", "drop_path_draw", "drop_path_group"}
    fields = checked.model_dump(exclude={*drawn, "freeze", "mlp_ratio"})
    masked = {"mask_token": fields["mask_token"] == "zeros", "hidden": checked.hidden}
    design = VitDesign(**fields | masked)
    return VisionTransformerTokens(design)


def test_two_builds_are_equal_whatever_the_global_seed() -> None:
    built = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # noqa: TID251 - to show that it does not matter
            built.append(initialised(layers()))
    for key, value in built[0].items():
        assert torch.equal(value, built[1][key]), key


def test_seed_and_name_are_the_key() -> None:
    first = initialised(layers())["0.weight"]
    assert not torch.equal(first, initialised(layers(), seed=1)["0.weight"])
    assert not torch.equal(first, initialised(layers(), name="n")["0.weight"])
    alone = nn.Linear(3, 4)
    initialise(alone, seed=0, name="m.0")
    assert torch.equal(first, alone.weight)


def test_adding_a_module_moves_nothing_else() -> None:
    before = initialised(layers())
    after = initialised(nn.Sequential(*layers(), nn.Linear(5, 5)))
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.parametrize("rule", ["uniform", "normal"])
def test_a_wider_layer_starts_with_the_rows_of_a_narrower_one(rule: str) -> None:
    std = None if rule == "uniform" else 0.02
    built = [
        initialised(Mlp(6, design=MlpDesign(widths=(width,), std=std), world=World()))
        for width in (7, 18)
    ]
    assert torch.equal(built[0]["linears.0.weight"], built[1]["linears.0.weight"][:7])
    assert torch.equal(built[0]["linears.0.bias"], built[1]["linears.0.bias"][:7])


def test_float64_holds_what_float32_rounds() -> None:
    wide, narrow = initialised(layers().double()), initialised(layers())
    assert all(torch.equal(wide[key].float(), narrow[key]) for key in wide)
    assert not torch.equal(wide["0.weight"], narrow["0.weight"].double())


def test_what_was_built_on_meta_starts_the_same() -> None:
    with torch.device("meta"):
        module = vit(positions="sincos-x-first", layer_scale=0.1, registers=2)
    module.to_empty(device="cpu")
    built = initialised(module)
    wanted = initialised(vit(positions="sincos-x-first", layer_scale=0.1, registers=2))
    assert built.keys() == wanted.keys()
    assert all(torch.equal(built[key], wanted[key]) for key in wanted)
    assert built["pos_embed"].abs().max() == 1


def test_a_used_module_starts_anew() -> None:
    norm = GatheredBatchNorm(3, world=World())
    before = initialised(norm)
    norm(torch.arange(6.0).reshape(2, 3))
    assert not torch.equal(norm.running_mean, before["running_mean"])
    assert all(torch.equal(value, before[key]) for key, value in initialised(norm).items())


def test_a_tensor_without_a_rule_is_refused() -> None:
    module = nn.Module()
    module.register_buffer("table", torch.ones(2))
    with pytest.raises(LookupError, match=r"`head\.table`"):
        initialise(module, seed=0, name="head")


@pytest.mark.parametrize(
    ("layer", "bound"),
    [
        (nn.Linear(25, 300), 0.2),
        (nn.Conv2d(4, 100, 5), 0.1),
        # torch counts the fan-in of a transposed convolution on its output channels.
        (nn.ConvTranspose2d(100, 16, 4), 1 / 16),
    ],
)
def test_layers_start_as_torchs_do(layer: nn.Module, bound: float) -> None:
    theirs = layer.weight.abs().max().item()
    values = initialised(layer)
    assert values["weight"].abs().max().item() == pytest.approx(bound, rel=0.01)
    assert theirs == pytest.approx(bound, rel=0.01)
    assert values["weight"].mean().abs() < bound / 10
    assert 0 < values["bias"].abs().max() <= bound


def test_normal_is_normal() -> None:
    design = MlpDesign(widths=(300,), std=0.02)
    weight = initialised(Mlp(300, design=design, world=World()))["linears.0.weight"]
    inside = [(weight.abs() < k * 0.02).double().mean().item() for k in (1, 2, 3)]
    assert inside == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.004)
    assert weight.mean().item() == pytest.approx(0, abs=3e-4)


class TestVisionTransformer:
    """MoCo v3, MAE, I-JEPA, iBOT and DINOv2 differ in how their encoders start."""

    def test_vit(self) -> None:
        rules = rules_of(vit(mask_token="zeros", registers=2, layer_scale=1e-5, prefix_std=1e-6))
        assert rules["blocks.1.attn.qkv.weight"] == Normal(0.02)
        assert rules["blocks.1.attn.qkv.bias"] == Constant(0.0)
        assert rules["blocks.1.norm2.weight"] == Constant(1.0)
        assert rules["blocks.1.ls2.gamma"] == Constant(1e-5)
        assert rules["patch_embed.proj.weight"] == Uniform(1 / math.sqrt(48))
        assert rules["cls_token"] == rules["reg_token"] == Normal(1e-6)
        assert rules["mask_token"] == Constant(0.0)
        assert rules["pos_embed"] == Normal(0.02)

    def test_normal(self) -> None:
        rules = rules_of(vit(init="normal", class_token=False))
        assert rules["patch_embed.proj.weight"] == rules["blocks.1.attn.qkv.weight"] == Normal(0.02)
        assert rules["patch_embed.proj.bias"] == Constant(0.0)

    def test_xavier(self) -> None:
        rules = rules_of(vit(init="xavier", positions="sincos-row-first"))
        assert rules["blocks.0.attn.qkv.weight"] == Uniform(math.sqrt(6 / (8 + 8)))
        assert rules["blocks.0.mlp.fc1.weight"] == Uniform(math.sqrt(6 / (8 + 32)))
        assert rules["patch_embed.proj.weight"] == Uniform(math.sqrt(6 / (3 * 16 + 8)))
        assert rules["patch_embed.proj.bias"] == Constant(0.0)
        assert isinstance(rules["pos_embed"], Exactly)

    def test_owners_overrule_their_parts(self) -> None:
        class Owner(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.block = TransformerBlock(4, heads=1, layer_scale=0.1)

            def initial_values(self) -> dict[str, Constant]:
                return {"block.ls1.gamma": Constant(7.0)}

        rules = rules_of(Owner())
        assert rules["block.ls1.gamma"] == Constant(7.0)
        assert rules["block.ls2.gamma"] == Constant(0.1)
