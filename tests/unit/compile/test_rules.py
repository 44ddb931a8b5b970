from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.lookup.provenance import origins
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.planner import plan
from eqspec.compile.resolved_spec import resolved_spec
from eqspec.compile.rules.spec import across_cards
from eqspec.compile.rules.warnings import plan_warnings
from eqspec.errors import Diagnostic
from eqspec.registry.catalog import open_catalog
from eqspec.spec.load import parse_spec, read_spec_text
from eqspec.spec.node import dotted

SPEC = """\
schema: 1
data: {use: photos}
augment: {use: photos_light}
backbone: {use: vit_micro_patch8}
method: {use: vicreg, with: {embed.width: 64, projector.widths: [64, 64]}}
equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}
train: {length: 20 steps, batch: 64}
"""


def problems_of(*overrides: str) -> tuple[Diagnostic, ...]:
    evaluated = read_spec_text(SPEC, path=Path("spec.yaml"), overrides=overrides).own
    found = look_up(evaluated.source, open_catalog())
    return (*found.problems, *across_cards(found))


def doubted(*overrides: str) -> list[tuple[str, str]]:
    longer = ("train.length=20 epochs", *overrides)  # than its warm-up
    loaded = parse_spec(SPEC, path=Path("spec.yaml"), overrides=longer)
    resolved = resolve(look_up(loaded.source, open_catalog()), loaded.spec, name="spec")
    return [(d.code, d.message) for d in plan_warnings(resolved, plan(resolved))]


def test_what_fits_together_is_left_alone():
    assert problems_of() == ()


@pytest.mark.parametrize(
    ("override", "first", "second"),
    [
        ("equivariance.split=0.001", "<cli>:--set #1", "spec.yaml:5"),
        ("equivariance={use: sie, transform: {use: rot}, d_equi: 64}", "<cli>:", "spec.yaml:5"),
        ("backbone.with.patch=7", "<cli>:--set #1", "datasets/photos.yaml"),
        ("image=36", "<cli>:--set #1", "vit_micro_patch8.yaml"),
        ("backbone.with.patch=32", None, None),
        ("train.batch=990", "<cli>:--set #1", "datasets/photos.yaml"),
        ("method.with.projector.group=48", "spec.yaml:7", "<cli>:--set #1"),
    ],
)
def test_both_places_are_named(override: str, first: str | None, second: str | None):
    found = [d for d in problems_of(override) if d.code == "EQ021"]
    if first is None or second is None:
        assert found == []
        return
    (one,) = found
    ((also, label),) = one.also
    assert first in str(one.location)
    assert second in str(also)
    assert label
    assert one.help


def test_a_patch_that_no_decoder_can_double_is_refused_with_the_decoder():
    (one,) = problems_of("image=36", "backbone.with.patch=12")
    assert (one.code, one.label) == ("EQ021", "not a power of two")
    assert "intermediate-reconstruction.yaml" in one.also[0][0].file


def test_rules_speak_although_other_values_are_wrong():
    codes = [
        d.code
        for d in problems_of(
            "train.length=twenty",
            "backbone.with.pach=3",
            "equivariance.split=0.0001",
            "data.use=photoz",
            "train.optimizer={impl: adamw, params: {lr: fast}}",
        )
    ]
    assert sorted(codes) == ["EQ001", "EQ010", "EQ013", "EQ021"]


def test_parameters_of_ops_are_judged_where_they_stand():
    override = "evaluate=[{use: r2, at: end, with: {epochs: 0}}]"
    (one,) = problems_of(override)
    assert one.message == "`evaluate[0].with.epochs` must be at least 1, not `0`"
    assert one.location is not None
    assert one.location.excerpt[one.location.column - 1 : one.location.end_column - 1] == "0"


@pytest.mark.parametrize(
    ("overrides", "code", "words"),
    [
        (("equivariance.transform.use=blur",), "EQ502", "too small to be visible"),
        (("equivariance.transform.with.degrees=[0, 0]",), "EQ502", "does not change the image"),
        (
            (
                "equivariance.transform.use=color",
                "augment.with={global.views.0.steps: [{impl: grayscale}]}",
            ),
            "EQ502",
            "saturation and hue",
        ),
        (("method.with.projector.widths=[64, 512]",), "EQ503", "512 dimensions from 64 samples"),
    ],
)
def test_what_is_hardly_meant_is_doubted(overrides: tuple[str, ...], code: str, words: str):
    ((given, message),) = doubted(*overrides)
    assert given == code
    assert words in message


@pytest.mark.parametrize(
    "override",
    ["seed=0", "equivariance.transform.use=color", "method.with.projector.widths=[64, 256]"],
)
def test_what_is_meant_is_not_doubted(override: str):
    assert doubted(override) == []


def test_every_leaf_of_the_resolved_spec_has_an_origin():
    overrides = ("train.batch=32", "method.with.embed.width=128")
    loaded = parse_spec(SPEC, path=Path("spec.yaml"), overrides=overrides)
    resolved = resolve(look_up(loaded.source, open_catalog()), loaded.spec, name="spec")
    found = {dotted(at): o for at, o in origins(resolved, resolved_spec(resolved)).items()}
    message = {path: str(origin) for path, origin in found.items()}
    assert message["train.batch"] == "--set #1 (train.batch=32)"
    assert message["method.modules.embed.params.width"].startswith("--set #2")
    assert message["method.modules.projector.params.widths"] == "spec.yaml:5"
    assert message["method.modules.projector.params.norm"].startswith("card methods/vicreg:")
    assert message["method.name"] == "spec.yaml:5"
    assert message["equivariance.lambda"] == "default of the schema"
    assert message["equivariance.transform.params.degrees"].startswith("card transforms/rot:")
    assert message["image"].startswith("card datasets/photos:")
    built = plan(resolved)
    assert built.origins == message
    assert {o.kind for o in found.values()} == {"spec", "set", "card", "default"}
