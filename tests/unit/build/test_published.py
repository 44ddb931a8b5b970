"""Published weights: every layout recognised, every tensor accounted for, nothing put in unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from timm.layers.mlp import SwiGLUPacked
from timm.models import create_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models import resnet18

from eqspec.build.program import initial_graph
from eqspec.commands.planning.plans import plan_spec
from eqspec.errors import SpecError
from eqspec.registry.catalog import open_catalog
from tests.published_files import LAYOUTS, SIDE, VIT, flat, state, store
from tests.published_names import PUBLISHED
from tests.published_specs import CPU, fitted, pictures, planned, spec_text, tokens
from tests.reference.waves import wave
from tests.toy_specs import SMALL

EACH = pytest.mark.parametrize("name", LAYOUTS)


@EACH
def test_a_fabricated_file_has_the_published_names(name: str) -> None:
    layout = LAYOUTS[name]
    built = flat(layout.make(state(layout.params, impl=layout.impl)))
    theirs = {
        "timm": set(timm_vit().state_dict()),
        "torchvision": {*resnet18().state_dict()} - {"fc.weight"},
        "eqspec": built,  # our own
    }
    assert built == {**PUBLISHED, **theirs}[name]


@EACH
def test_every_layout_is_recognised_and_gives_the_encoder_that_is_inside(
    name: str, tmp_path: Path
) -> None:
    layout = LAYOUTS[name]
    inside = store(tmp_path / "weights.pth", layout)
    plan = planned(tmp_path, tmp_path / "weights.pth", layout.params, impl=layout.impl)
    assert plan.published is not None
    assert plan.published.layout is not None
    assert (plan.published.layout.name, plan.published.layout.part) == (layout.card, layout.part)
    found = fitted(plan)
    assert found.whole
    assert set(found.fit.taken) == set(inside)
    assert set(found.aside) >= layout.aside
    graph = initial_graph(plan, device=CPU)
    held = graph.encoder().state_dict()
    assert all(torch.equal(held[own], inside[own]) for own in inside)


def test_another_part_may_be_asked_for(tmp_path: Path) -> None:
    layout = LAYOUTS["dino"]
    inside = store(tmp_path / "w.pth", layout)
    first = planned(tmp_path, tmp_path / "w.pth", layout.params)
    other = planned(tmp_path, tmp_path / "w.pth", layout.params, more=", part: student")
    held = initial_graph(other, device=CPU).encoder().state_dict()
    assert torch.equal(held["cls_token"], inside["cls_token"] + 1)
    assert first.recipe != other.recipe
    with pytest.raises(SpecError, match="has no part `encoder`") as caught:
        planned(tmp_path, tmp_path / "w.pth", layout.params, more=", part: encoder")
    assert caught.value.diagnostics[0].help == "there are: teacher, student"


def timm_vit(**options: Any) -> VisionTransformer:
    known: dict[str, Any] = {
        "img_size": SIDE,
        "patch_size": 8,
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 2,
        "num_classes": 0,
        "global_pool": "",
        "norm_layer": lambda width, **_: nn.LayerNorm(width, eps=1e-6),
    }
    with torch.random.fork_rng():
        torch.manual_seed(3)  # noqa: TID251 - inside a fork
        return VisionTransformer(**known | options).eval()


TIMM = {
    "vit": ({}, {}),
    "registers": (
        {"class_token": True, "no_embed_class": True, "reg_tokens": 4, "init_values": 0.5},
        {"registers": 4, "layer_scale": 0.5},
    ),
    "swiglu": (
        {"mlp_layer": SwiGLUPacked, "act_layer": nn.SiLU, "mlp_ratio": 3.0, "init_values": 0.5},
        {"mlp": "swiglu", "mlp_ratio": 3.0, "layer_scale": 0.5},
    ),
}


@pytest.mark.parametrize("name", TIMM)
def test_timms_own_model_with_the_same_weights_makes_the_same_tokens(
    name: str, tmp_path: Path
) -> None:
    theirs, ours = TIMM[name]
    model = timm_vit(**theirs)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(4)  # noqa: TID251 - inside a fork
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) / 10)
        wanted = model.forward_features(pictures())
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    plan = planned(tmp_path, tmp_path / "model.safetensors", VIT | ours)
    assert fitted(plan).whole
    torch.testing.assert_close(tokens(plan), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depth", [18, 50])
def test_timms_resnet_with_the_same_weights_makes_the_same_cells(
    depth: int, tmp_path: Path
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)  # noqa: TID251 - inside a fork
        model = create_model(f"resnet{depth}", pretrained=False).train()
        model(torch.randn(4, 3, 64, 64))  # running statistics that are not 0 and 1
    with torch.no_grad():
        cells = model.eval().forward_features(pictures(64)).flatten(2).mT
    torch.save(model.state_dict(), tmp_path / "model.pth")  # noqa: TID251 - as its publishers do
    plan = planned(tmp_path, tmp_path / "model.pth", {"depth": depth}, impl="resnet", image=64)
    assert set(fitted(plan).aside) == {"classifier", "counters"}
    torch.testing.assert_close(tokens(plan)[:, 1:], cells, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("dino", {(0, 0): 0.7842614236, (3, 4): -0.0372642657, (5, 5): -0.5929497610}),
        ("timm", {}),
    ],
)
def test_positions_of_another_grid_are_resampled(
    how: str, wanted: dict[tuple[int, int], float], tmp_path: Path
) -> None:
    """Values of the official DINO interpolation of sin(0.37·i·j) from 14 × 14 to 6 × 6.

    They were measured in float64, and files are read into float32 encoders.
    """
    inside = state(VIT)
    codes = wave(14, 14, 0.0).float().reshape(1, 196, 1).expand(-1, -1, 32)
    inside["pos_embed"] = torch.cat([torch.full((1, 1, 32), 0.25), codes], dim=1)
    torch.save(inside, tmp_path / "w.pth")  # noqa: TID251 - as its publishers do
    plan = planned(tmp_path, tmp_path / "w.pth", VIT | {"pos_interp": how}, image=48)
    assert fitted(plan).resampled == {"pos_embed": ((1, 197, 32), (1, 37, 32))}
    held = initial_graph(plan, device=CPU).encoder().state_dict()["pos_embed"]
    assert held[0, 0].unique().tolist() == [0.25]
    for (row, column), value in wanted.items():
        assert float(held[0, 1 + 6 * row + column, 7]) == pytest.approx(value, abs=5e-6)
    if how == "timm":
        theirs = timm_vit(img_size=112)
        theirs.pos_embed.data.copy_(inside["pos_embed"])
        theirs.set_input_size(img_size=(48, 48))
        torch.testing.assert_close(held, theirs.pos_embed.data, rtol=1e-5, atol=1e-5)


def test_registers_of_timm_leave_the_class_token_without_a_position(tmp_path: Path) -> None:
    inside = state(VIT | {"registers": 4})
    inside["pos_embed"] = inside["pos_embed"][:, 1:].clone()
    torch.save(inside, tmp_path / "w.pth")  # noqa: TID251 - as its publishers do
    plan = planned(tmp_path, tmp_path / "w.pth", VIT | {"registers": 4})
    held = initial_graph(plan, device=CPU).encoder().state_dict()["pos_embed"]
    assert not held[0, 0].any()
    assert torch.equal(held[:, 1:], inside["pos_embed"])


def test_training_goes_on_from_published_weights_and_teachers_start_from_them_too(
    tmp_path: Path,
) -> None:
    inside = store(tmp_path / "w.pth", LAYOUTS["ibot"])
    text = spec_text(tmp_path / "w.pth", VIT, more=", part: student").replace("evaluate:", "#")
    text += f"""
method: {{use: ibot, with: {SMALL["ibot"]}}}
augment: {{use: ibot_multicrop, with: {{local.size: 16}}}}
train: {{length: 4 steps, batch: 8}}
"""
    (tmp_path / "more.yaml").write_text(text)
    plan = plan_spec(tmp_path / "more.yaml").plan
    assert fitted(plan).whole, "the student has a mask token, as the file has"
    graph = initial_graph(plan, device=CPU)
    for module in (graph.students["encoder"], graph.copies("teacher")["encoder"]):
        held = module.state_dict()
        assert torch.equal(held["cls_token"], inside["cls_token"] + 1)
        assert torch.equal(held["pos_embed"], inside["pos_embed"] + 1)
    assert plan.views.mean == (0.485, 0.456, 0.406)


def test_every_layout_is_fabricated() -> None:
    assert {built.card for built in LAYOUTS.values()} == set(open_catalog().names("layouts"))
