"""Toy-sized specs of every method and rewrite, and their plans."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.planner import plan
from eqspec.compile.types.plan import Plan
from eqspec.spec.load import LoadedSpec, parse_spec
from tests.toy_sizes import CATALOG, card_of, method_card, suits, toy_rewrites, toy_settings

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 32, depth: 2, heads: 2}}"
)

RECORDED = {
    "vicreg": "{embed.width: 32, projector.widths: [24, 24, 24]}",
    "vicreg_sie": "{embed.width: 32, projector.widths: [24, 24, 24]}",
    "simclr": "{embed.width: 32, projector.widths: [24, 24, 16]}",
    "barlow_twins": "{embed.width: 32, projector.widths: [24, 24, 24]}",
    "vicreg_pooled": "{projector.widths: [24, 24, 24]}",
    "mocov3": "{embed.width: 32, projector.widths: [24, 16], predictor.widths: [24, 16]}",
    "dino": (
        "{trunk.widths: [24, 32], bottleneck.widths: [16], prototypes.width: 24, local.count: 2}"
    ),
    "ibot": (
        "{trunk.widths: [24, 24, 16], prototypes.width: 32, local.count: 2, mask.min_patches: 1}"
    ),
    "dinov2": (
        "{trunk.widths: [24, 32], bottleneck.widths: [16], prototypes.width: 24, "
        "local.count: 2, masked.min_patches: 1, koleo.group: null, encoder.drop_path_group: null}"
    ),
    "mae": "{decoder.width: 16, decoder.depth: 1, decoder.heads: 2}",
    "ijepa": (
        "{predictor.width: 16, predictor.depth: 1, predictor.heads: 2, "
        "blocks.min_keep: 0, blocks.group: null}"
    ),
}
"""Method → the settings of the toys whose ids and graphs are recorded in tests/golden."""

SMALL = {m: RECORDED.get(m) or toy_settings(m) for m in (*RECORDED, *CATALOG.names("methods"))}
"""Method → what makes it toy-sized."""

MULTICROP = {"dino": "dino_multicrop", "ibot": "ibot_multicrop", "dinov2": "dinov2_multicrop"}
"""Methods with local crops, whose size must be a multiple of the toy's patch."""

CUTTABLE = tuple(name for name in SMALL if method_card(name).embedding is not None)
"""Methods with an embedding that a rewrite may cut."""

PATH = "{use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}"
SIE = "{use: sie, transform: {use: rot}, split: 0.5}"

RECORDED_REWRITES = {
    "path": PATH,
    "path-encoder": f"{PATH[:-1]}, with: {{cut: encoder}}}}",
    "sie": f"{SIE[:-1]}, with: {{equi_projector.widths: [24, 24, 24]}}}}",
    "sie-no-var": (
        "{use: sie-no-var, transform: {use: rot}, split: 0.5, "
        "with: {equi_projector.widths: [24, 24, 24]}}"
    ),
    "sie-only-equi": "{use: sie-only-equi, transform: {use: rot}}",
    "cross-attention": (
        "{use: cross-attention-reconstruction, split: 0.5, "
        "with: {mixer.heads: 2, image_decoder.width: 16}}"
    ),
    "e-ssl": "{use: e-ssl, with: {turned.size: 16, turn_head.widths: [24, 24, 16]}}",
    "equimod": (
        "{use: equimod, with: {augmentation_projector.widths: [8], "
        "equi_projector.widths: [24, 24, 16]}}"
    ),
    "augself": (
        "{use: augself, with: {crop_predictor.widths: [24, 24, 4], "
        "color_predictor.widths: [24, 24, 4]}}"
    ),
    "care": (
        "{use: care, with: {equivariance.group: 2, "
        "shared.alike_0.samples: 2, shared.alike_1.samples: 2}}"
    ),
    "ser": (
        "{use: ser, with: {mirrored.size: 16, mirrored_tokens.blocks: 1, "
        "token_projector.widths: [24, 16], equivariance.group: 2}}"
    ),
    "stl": (
        "{use: stl, with: {change.widths: [24, 16], change_projector.widths: [24, 16], "
        "equi_projector.widths: [24, 24, 16]}}"
    ),
}
"""Short name → a toy-sized rewrite whose ids and graphs are recorded in tests/golden."""

REWRITES = {**RECORDED_REWRITES, **toy_rewrites(RECORDED_REWRITES)}
"""Every rewrite that ships with eqspec, toy-sized, by a short name."""

SUITED = {
    name: tuple(m for m in CUTTABLE if suits(card_of(rewrite), m))
    for name, rewrite in REWRITES.items()
}
"""Rewrite → the methods that can carry it; the others are refused."""

WITH_SIE = SUITED["sie-only-equi"]
"""Methods with SIE's own terms, on a stream `p`: what `sie-only-equi` asks for."""

COMPOSITIONS = {
    **{method: (method, "none") for method in SMALL},
    **{
        f"{method} + {name}": (method, rewrite)
        for name, rewrite in REWRITES.items()
        for method in SUITED[name]
    },
}
"""Every legal pair of a method and a rewrite, by name."""


def toy_text(
    method: str,
    *,
    equivariance: str = "none",
    batch: int = 8,
    image: int = 32,
    backbone: str = BACKBONE,
    extra: str = "",
) -> str:
    """A spec on the photos, small enough to train a step in milliseconds."""
    crops = MULTICROP.get(method)
    augment = f"augment: {{use: {crops}, with: {{local.size: 16}}}}" if crops else ""
    return f"""\
schema: 1
data: {{use: photos}}
image: {image}
backbone: {backbone}
method: {{use: {method}, with: {SMALL[method]}}}
equivariance: {equivariance}
train: {{length: 4 steps, batch: {batch}}}
{augment}
{extra}
"""


TINY_BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 8, depth: 1, heads: 1}}"
)


def short_toy() -> str:
    """A spec of three steps, with two checkpoints and an evaluation before and after."""
    text = toy_text("vicreg", backbone=TINY_BACKBONE, batch=4).replace("24, 24, 24", "8, 8")
    schedule = "schedule: {impl: warmup_cosine, params: {warmup: 1 steps}}"
    text = text.replace("{length: 4 steps,", f"{{{schedule}, length: 3 steps,")
    return f"""{text}
evaluate:
  - use: r2
    at: end
    with:
      families: {{rot: {{use: rot}}}}
      borders: [reflect]
      rows: [encoder]
      draws: 1
      train_pairs: 16
      heldout_pairs: 16
      hidden: [8]
      epochs: 1
      batch: 16
      seeds: 1
keep: {{last: 1, every: 2 steps}}
machine: {{compile: "off", workers: 0}}
"""


def load_toy(method: str, **options: object) -> LoadedSpec:
    """The toy spec, read."""
    return parse_spec(toy_text(method, **options), path=Path(f"{method}.yaml"))  # type: ignore[arg-type]


@cache
def toy_plan(
    method: str, *, equivariance: str = "none", batch: int = 8, backbone: str = BACKBONE
) -> Plan:
    """The toy spec, compiled by the real compiler."""
    return plan_of(load_toy(method, equivariance=equivariance, batch=batch, backbone=backbone))


def plan_of(loaded: LoadedSpec) -> Plan:
    """A loaded spec, compiled."""
    resolved = resolve(look_up(loaded.source, CATALOG), loaded.spec, name=loaded.path.stem)
    return plan(resolved)
