"""Files in the layouts of published weights, generated from eqspec's random encoders.

Each is made by renaming, with rules written here and not those of the cards.
`tests.published_names` has the names as the publishers' code has them; the two are compared.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.find import find_backbone
from eqspec.ops.op import BATCH, StreamType
from tests.published_names import BLOCK

Names = dict[str, Any]

VIT = {"patch": 8, "width": 32, "depth": 2, "heads": 2}
FIXED = VIT | {"positions": "sincos-x-first"}
DINOV2 = VIT | {"layer_scale": 0.5}
SIDE = 32


@dataclass(frozen=True)
class Fabricated:
    """A published layout.

    Attributes:
        card: the layout that has to be recognised.
        params: of the encoder inside.
        part: which the card takes by itself.
        make: the encoder's state → what is stored in the file.
        aside: what the file has beside the encoder.
        impl: of the encoder.
    """

    card: str
    params: Mapping[str, Any]
    part: str
    make: Callable[[dict[str, Tensor]], Names]
    aside: frozenset[str] = field(default_factory=frozenset)
    impl: str = "vit"


def encoder(params: Mapping[str, Any], *, impl: str = "vit", seed: int = 7) -> nn.Module:
    """A random encoder for images of `SIDE` pixels."""
    op = find_backbone(impl)
    images = StreamType(("B", "C", "H", "W"), (BATCH, 3, SIDE, SIDE))
    with torch.device("meta"):  # nothing is drawn that is not keyed
        module: nn.Module = op.build(
            op.Params.model_validate(params), {"images": images}, world=World()
        )
    module = module.to_empty(device="cpu")
    initialise(module, seed=seed, name="published")
    return module.eval()


def state(params: Mapping[str, Any], *, impl: str = "vit", seed: int = 7) -> dict[str, Tensor]:
    return {n: t.clone() for n, t in encoder(params, impl=impl, seed=seed).state_dict().items()}


def store(path: Path, layout: Fabricated) -> dict[str, Tensor]:
    """Writes such a file; returns the state that the encoder inside has."""
    inside = state(layout.params, impl=layout.impl)
    torch.save(layout.make(dict(inside)), path)  # noqa: TID251 - as its publishers do
    return inside


def flat(held: Mapping[str, Any], above: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in held.items():
        if isinstance(value, Tensor):
            found.add(f"{above}{key}")
        elif isinstance(value, Mapping):
            found |= flat(value, f"{above}{key}/")
    return found


def _under(before: str, inside: Mapping[str, Tensor], **more: Tensor) -> Names:
    return {f"{before}{n}": t for n, t in {**inside, **more}.items()}


def _other(inside: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Another network of the same shape."""
    return {name: tensor + 1 for name, tensor in inside.items()}


def _head(before: str, *, layers: tuple[str, ...]) -> Names:
    names = [f"mlp.{at}.{kind}" for at in (0, 2, 4) for kind in ("weight", "bias")]
    names += [f"{last}.weight_{kind}" for last in layers for kind in "gv"]
    return {f"{before}{name}": torch.ones(1) for name in names}


def _block(before: str) -> Names:
    """A decoder's or predictor's block."""
    return {f"{before}.{name}": torch.ones(1) for name in BLOCK}


def mae(inside: dict[str, Tensor]) -> Names:
    more = {f"decoder_{n}.{k}" for n in ("embed", "norm", "pred") for k in ("weight", "bias")}
    held = inside | {
        "mask_token": torch.zeros(1, 1, 16),
        "decoder_pos_embed": torch.zeros(1, 17, 16),
    }
    held |= {name: torch.ones(1) for name in more} | _block("decoder_blocks.0")
    return {"model": held}


def ijepa(inside: dict[str, Tensor]) -> Names:
    predictor = {"mask_token", "predictor_pos_embed"}
    predictor |= {
        f"predictor_{n}.{k}" for n in ("embed", "norm", "proj") for k in ("weight", "bias")
    }
    held = {name: torch.ones(1) for name in predictor} | _block("predictor_blocks.0")
    return {
        "encoder": _under("module.", _other(inside)),
        "predictor": _under("module.", held),
        "target_encoder": _under("module.", inside),
        "opt": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
        "scaler": None,
        "epoch": 300,
    }


def dino(inside: dict[str, Tensor]) -> Names:
    student = _under("module.backbone.", _other(inside))
    return {
        "student": student | _head("module.head.", layers=("last_layer",)),
        "teacher": _under("backbone.", inside) | _head("head.", layers=("last_layer",)),
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 100,
        "args": argparse.Namespace(arch="vit_small", patch_size=16),
        "dino_loss": {"center": torch.zeros(1, 4)},
    }


def ibot(inside: dict[str, Tensor]) -> Names:
    masked = {"masked_embed": torch.zeros(1, 32)}
    layers = ("last_layer", "last_layer2")
    student = _under("module.backbone.", _other(inside) | masked)
    return {
        "student": student | _head("module.head.", layers=layers),
        "teacher": _under("backbone.", inside) | _head("head.", layers=layers),
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 800,
        "args": argparse.Namespace(arch="vit_small"),
        "ibot_loss": {"center": torch.zeros(1, 4), "center2": torch.zeros(1, 1, 4)},
    }


def ibot_backbone(inside: dict[str, Tensor]) -> Names:
    return {"state_dict": dict(inside)}


def dinov2(inside: dict[str, Tensor]) -> Names:
    rules = {"reg_token": "register_tokens"}
    held = {rules.get(n, n): t for n, t in inside.items()}
    return held | {"mask_token": torch.zeros(1, 32)}


def dinov2_chunked(inside: dict[str, Tensor]) -> Names:
    rules = ((r"^blocks\.(\d+)\.", r"blocks.0.\1."), ("fc1", "w12"), ("fc2", "w3"))
    held: Names = {}
    for name, tensor in dinov2(inside).items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)  # noqa: PLW2901 - one after the other
        held[name] = tensor
    return held


def dinov2_teacher(inside: dict[str, Tensor]) -> Names:
    heads = _head("dino_head.", layers=("last_layer",)) | _head(
        "ibot_head.", layers=("last_layer",)
    )
    return {"teacher": _under("backbone.", dinov2(inside)) | heads}


def mocov3(inside: dict[str, Tensor]) -> Names:
    layers = [f"head.{at}.weight" for at in (0, 1, 3, 4, 6)] + ["head.1.bias", "head.4.bias"]
    layers += [f"head.{at}.running_{kind}" for at in (1, 4, 7) for kind in ("mean", "var")]
    layers += [f"head.{at}.num_batches_tracked" for at in (1, 4, 7)]
    head = {name: torch.ones(1) for name in layers}
    base = _under("module.base_encoder.", inside | head)
    momentum = _under("module.momentum_encoder.", _other(inside) | head)
    predictor = {"module.predictor.0.weight": torch.ones(1)}
    return {"epoch": 300, "arch": "vit_small", "state_dict": base | momentum | predictor}


def timm(inside: dict[str, Tensor]) -> Names:
    return dict(inside)


def torchvision(inside: dict[str, Tensor]) -> Names:
    counted = {n.replace("running_mean", "num_batches_tracked") for n in inside if "mean" in n}
    return inside | {n: torch.tensor(3) for n in counted} | {"fc.bias": torch.ones(4)}


def eqspec(inside: dict[str, Tensor]) -> Names:
    held = _under("students.encoder.", _other(inside)) | _under("teachers.t.encoder.", inside)
    return held | {"students.head.weight": torch.ones(1), "terms.dino.centre": torch.ones(1)}


HEADS = frozenset({"projection head"})
OPTIMIZER = frozenset({"state of the optimizer"})
LAYOUTS = {
    "mae": Fabricated("mae", FIXED, "encoder", mae, frozenset({"decoder"})),
    "ijepa": Fabricated(
        "ijepa",
        FIXED | {"class_token": False},
        "target_encoder",
        ijepa,
        frozenset({"predictor", "the part `encoder`"}) | OPTIMIZER,
    ),
    "dino": Fabricated("dino", VIT, "teacher", dino, HEADS | {"the part `student`", "centre"}),
    "ibot": Fabricated("ibot", VIT, "teacher", ibot, HEADS | {"the part `student`", "centres"}),
    "ibot_backbone": Fabricated("ibot_backbone", VIT, "encoder", ibot_backbone),
    "dinov2": Fabricated("dinov2", DINOV2, "encoder", dinov2, frozenset({"mask token"})),
    "dinov2 with registers": Fabricated(
        "dinov2", DINOV2 | {"registers": 4}, "encoder", dinov2, frozenset({"mask token"})
    ),
    "dinov2 in chunks, with swiglu": Fabricated(
        "dinov2",
        DINOV2 | {"mlp": "swiglu", "mlp_ratio": 3.0},
        "encoder",
        dinov2_chunked,
        frozenset({"mask token"}),
    ),
    "dinov2_teacher": Fabricated(
        "dinov2_teacher", DINOV2, "teacher", dinov2_teacher, HEADS | {"mask token"}
    ),
    "mocov3": Fabricated(
        "mocov3",
        VIT | {"positions": "sincos-row-first"},
        "base_encoder",
        mocov3,
        frozenset({"projector", "predictor", "the part `momentum_encoder`"}),
    ),
    "timm": Fabricated("timm", VIT, "encoder", timm),
    "torchvision": Fabricated(
        "timm",
        {"depth": 18},
        "encoder",
        torchvision,
        frozenset({"classifier", "counters"}),
        "resnet",
    ),
    "eqspec": Fabricated(
        "eqspec",
        VIT,
        "teacher",
        eqspec,
        frozenset({"the part `student`", "heads and decoders", "state of terms"}),
    ),
}
