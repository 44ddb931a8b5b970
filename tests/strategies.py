"""Hypothesis strategies of the property tests."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from eqspec.spec.duration import Duration
from eqspec.spec.model import Spec
from eqspec.spec.rate import Rate

LARGEST = 2**63 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
bare_names = st.sampled_from(["a", "vicreg", "vit_small_patch16", "linear-probe", "0"]) | st.text(
    "abz019", min_size=1, max_size=4
)
dotted_keys = bare_names | st.builds("{}.{}".format, bare_names, bare_names)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | numbers | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
"""Whatever YAML and JSON can both hold."""

durations = st.builds(
    Duration,
    amount=st.integers(0, 10**15 - 1),
    unit=st.sampled_from(["steps", "epochs", "samples"]),
)
positive_durations = durations.filter(lambda duration: duration.amount > 0)

_sizes = st.floats(0, 1e300)
_batches = st.integers(1, 10**9 - 1)
rates = st.builds(Rate, value=_sizes) | st.builds(
    Rate, value=_sizes, per=_batches, rule=st.sampled_from(["linear", "sqrt"])
)

_settings = st.dictionaries(dotted_keys, json_values, max_size=2)
_named_cards = st.fixed_dictionaries({"use": bare_names}, optional={"with": _settings})
_bodies = st.fixed_dictionaries({"card": bare_names, "rev": st.integers(1, 9)}) | st.builds(
    lambda body, card: {**body, "card": card},
    st.dictionaries(texts.filter(lambda key: key != "use"), json_values, max_size=3),
    bare_names,
)
uses = _named_cards | _bodies
names_or_bodies = bare_names | _bodies
op_calls = st.fixed_dictionaries({"impl": bare_names}, optional={"params": _settings})


@st.composite
def equivariances(draw: st.DrawFn) -> dict[str, object]:
    """The `equivariance:` section, with at most one size of the slice."""
    required = {"use": names_or_bodies, "transform": uses}
    optional = {
        "images": st.sampled_from([1, 2, 3, "2+final"]),
        "lambda": st.floats(0, 1e6) | st.integers(0, 1000),
        "border": st.sampled_from(["reflect", "zeros", "canvas"]),
        "reduction": st.sampled_from(["mean", "mean-over-variance", "sum-per-image"]),
        "with": _settings,
    }
    size = draw(
        st.fixed_dictionaries({"split": st.floats(0, 1, exclude_min=True, exclude_max=True)})
        | st.fixed_dictionaries({"d_equi": st.integers(1, 4096)})
        | st.just({})
    )
    return {**draw(st.fixed_dictionaries(required, optional=optional)), **size}


evaluations = st.builds(
    lambda entry, when: {**entry, **when},
    st.fixed_dictionaries({"use": names_or_bodies}, optional={"with": _settings}),
    st.just({"at": "end"}) | st.fixed_dictionaries({"every": positive_durations.map(str)}),
)

_changes = st.dictionaries(
    st.sampled_from(["equivariance", "augment"]), st.just("none"), max_size=1
).map(lambda change: {key: None if key == "augment" else value for key, value in change.items()})
variants = st.builds(
    lambda one, more: {**one, **more},
    _changes,
    st.fixed_dictionaries(
        {}, optional={"seed": st.integers(0, 99), "train.length": positive_durations.map(str)}
    ),
)


@st.composite
def spec_mappings(draw: st.DrawFn) -> dict[str, object]:
    """A legal spec as plain data, as YAML gives it."""
    pieces = draw(st.integers(1, 8))
    train = {
        "length": positive_durations.map(str),
        "batch": st.integers(1, 64).map(lambda images: 2 * images * pieces),
    }
    train_optional = {
        "optimizer": op_calls | st.none(),
        "schedule": op_calls | st.none(),
        "precision": st.sampled_from(["fp32", "bf16"]),
    }
    machine = {
        "device": st.sampled_from(["auto", "cpu", "cuda"]),
        "workers": st.just("auto") | st.integers(0, 64),
        "compile": st.sampled_from(["auto", "on", "off"]),
        "micro_batches": st.sampled_from(["auto", pieces]),
    }
    required = {
        "schema": st.just(1),
        "data": uses,
        "backbone": uses,
        "method": uses,
        "train": st.fixed_dictionaries(train, optional=train_optional),
    }
    optional = {
        "about": texts,
        "seed": st.integers(0, LARGEST),
        "image": st.none() | st.integers(8, 1024),
        "augment": st.none() | uses,
        "equivariance": st.just("none") | equivariances(),
        "evaluate": st.lists(evaluations, max_size=3),
        "compare": st.dictionaries(bare_names, variants, max_size=2),
        "machine": st.fixed_dictionaries({}, optional=machine),
    }
    return draw(st.fixed_dictionaries(required, optional=optional))


@st.composite
def judged_mappings(draw: st.DrawFn) -> dict[str, object]:
    """A legal spec that trains nothing, as plain data."""
    weights = st.fixed_dictionaries(
        {"weights": st.sampled_from(["weights.pth", "timm:vit_base_patch16_224.mae"])},
        optional={
            "part": st.none() | st.sampled_from(["teacher", "base_encoder"]),
            "sha256": st.none() | st.just("0" * 64),
            "partial": st.booleans(),
        },
    )
    backbone = {"use": bare_names, "init": weights | st.just("weights.safetensors")}
    evaluated = st.fixed_dictionaries({"use": bare_names, "at": st.just("end")})
    required = {
        "schema": st.just(1),
        "data": uses,
        "backbone": st.fixed_dictionaries(backbone),
        "evaluate": st.lists(evaluated, max_size=3),
    }
    optional = {
        "seed": st.integers(0, LARGEST),
        "train": st.none(),
        "method": st.none(),
        "equivariance": st.just("none"),
    }
    return draw(st.fixed_dictionaries(required, optional=optional))


def as_spec(mapping: dict[str, object]) -> Spec:
    """A mapping of `spec_mappings` as a spec."""
    return Spec.model_validate_json(json.dumps(mapping), strict=True)


specs = (spec_mappings() | judged_mappings()).map(as_spec)
