"""Tensor names in published files, cut down to two blocks, from the publishers' code.

Read in: facebookresearch/mae models_mae.py; facebookresearch/ijepa src/train.py and
src/models/vision_transformer.py; facebookresearch/dino vision_transformer.py, main_dino.py;
bytedance/ibot main_ibot.py, models/; facebookresearch/dinov2 dinov2/models/vision_transformer.py,
dinov2/layers; facebookresearch/moco-v3 moco/builder.py, vits.py. Names alone, no code.
"""

from __future__ import annotations

BLOCK = (
    "norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight",
    "attn.proj.bias", "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias",
    "mlp.fc2.weight", "mlp.fc2.bias",
)  # fmt: skip
SWIGLU = (*BLOCK[:8], "mlp.w12.weight", "mlp.w12.bias", "mlp.w3.weight", "mlp.w3.bias")
SCALES = ("ls1.gamma", "ls2.gamma")
AROUND = (
    "cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight",
    "norm.bias",
)  # fmt: skip
HEAD = tuple(f"mlp.{at}.{kind}" for at in (0, 2, 4) for kind in ("weight", "bias"))
LAST = ("last_layer.weight_g", "last_layer.weight_v")
LAST2 = ("last_layer2.weight_g", "last_layer2.weight_v")


def _vit(
    before: str,
    *,
    block: tuple[str, ...] = BLOCK,
    around: tuple[str, ...] = AROUND,
    blocks: str = "blocks.",
) -> set[str]:
    named = {f"{before}{name}" for name in around}
    return named | {f"{before}{blocks}{at}.{name}" for at in (0, 1) for name in block}


def _all(before: str, *names: str) -> set[str]:
    return {f"{before}{name}" for name in names}


def _linears(before: str, *names: str) -> set[str]:
    return {f"{before}{name}.{kind}" for name in names for kind in ("weight", "bias")}


_PROJECTOR = (
    "0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
    "3.weight", "4.weight", "4.bias", "4.running_mean", "4.running_var", "4.num_batches_tracked",
    "6.weight", "7.running_mean", "7.running_var", "7.num_batches_tracked",
)  # fmt: skip
_TOKENLESS = AROUND[1:]
_MOCO = "state_dict/module."

PUBLISHED: dict[str, set[str]] = {
    "mae": _vit("model/")
    | _all("model/", "mask_token", "decoder_pos_embed")
    | _linears("model/decoder_", "embed", "norm", "pred")
    | _all("model/decoder_blocks.0.", *BLOCK),
    "ijepa": _vit("encoder/module.", around=_TOKENLESS)
    | _vit("target_encoder/module.", around=_TOKENLESS)
    | _all("predictor/module.", "mask_token", "predictor_pos_embed")
    | _linears("predictor/module.predictor_", "embed", "norm", "proj")
    | _all("predictor/module.predictor_blocks.0.", *BLOCK)
    | {"opt/state/0/exp_avg"},
    "dino": _vit("student/module.backbone.")
    | _all("student/module.head.", *HEAD, *LAST)
    | _vit("teacher/backbone.")
    | _all("teacher/head.", *HEAD, *LAST)
    | {"dino_loss/center"},
    "ibot": _vit("student/module.backbone.", around=(*AROUND, "masked_embed"))
    | _all("student/module.head.", *HEAD, *LAST, *LAST2)
    | _vit("teacher/backbone.")
    | _all("teacher/head.", *HEAD, *LAST, *LAST2)
    | {"ibot_loss/center", "ibot_loss/center2"},
    "ibot_backbone": _vit("state_dict/"),
    "dinov2": _vit("", block=(*BLOCK, *SCALES), around=(*AROUND, "mask_token")),
    "dinov2 with registers": _vit(
        "", block=(*BLOCK, *SCALES), around=(*AROUND, "mask_token", "register_tokens")
    ),
    "dinov2 in chunks, with swiglu": _vit(
        "", block=(*SWIGLU, *SCALES), around=(*AROUND, "mask_token"), blocks="blocks.0."
    ),
    "dinov2_teacher": _vit(
        "teacher/backbone.", block=(*BLOCK, *SCALES), around=(*AROUND, "mask_token")
    )
    | _all("teacher/dino_head.", *HEAD, *LAST)
    | _all("teacher/ibot_head.", *HEAD, *LAST),
    "mocov3": _vit(f"{_MOCO}base_encoder.")
    | _all(f"{_MOCO}base_encoder.head.", *_PROJECTOR)
    | _vit(f"{_MOCO}momentum_encoder.")
    | _all(f"{_MOCO}momentum_encoder.head.", *_PROJECTOR)
    | {f"{_MOCO}predictor.0.weight"},
}
"""Layout → its names; of what stands beside the encoder, enough to tell it by."""
