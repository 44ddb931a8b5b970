"""Hypothesis strategies for whole methods: small valid graphs, declared in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

from eqspec.compile.types.plan import Plan
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import parse_spec
from tests.toy_specs import plan_of

WIDTH = 8
FEWER = settings(max_examples=max(30, settings.default.max_examples // 4))
"""For laws whose every example is compiled, or built in torch as well."""

PATH_REWRITE = {
    "use": "intermediate-reconstruction",
    "transform": {"use": "rot"},
    "images": 1,
    "split": 0.5,
}


Width = tuple[int, int]
"""Features: so many, and so many times as many as the embedding has, which a rewrite changes."""


@dataclass(frozen=True)
class Kind:
    """What a stream is, as far as steps ask: its axes, its features, its class token."""

    axes: str
    width: Width = (WIDTH, 0)
    prefix: bool = False


@dataclass
class Sketch:
    """A method while it is being drawn."""

    views: int
    modules: dict[str, object] = field(default_factory=dict)
    widths: dict[str, Width] = field(default_factory=dict)
    flow: dict[str, object] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)

    def add(self, step: dict[str, object], kind: Kind, *, name: str | None = None) -> str:
        """A stream that a step makes, under its name or a new one."""
        name = name or f"s{len(self.flow)}"
        self.flow[name] = step
        self.kinds[name] = kind
        return name


def _linear(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind = sketch.kinds[of]
    known = [name for name, width in sketch.widths.items() if width == kind.width]
    name = draw(st.sampled_from([*known, f"linear{len(sketch.modules)}"]))
    if name not in sketch.modules:
        sketch.widths[name] = kind.width
        sketch.modules[name] = {"impl": "linear", "params": {"width": draw(st.integers(2, 5))}}
    width = sketch.modules[name]["params"]["width"]
    sketch.add({"apply": name, "to": {"x": of}}, replace(kind, width=(width, 0)))


def _select(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind, part = sketch.kinds[of], draw(st.sampled_from(["cls", "patches"]))
    axes = kind.axes.replace("N", "") if part == "cls" else kind.axes
    sketch.add({"select": part, "of": of}, replace(kind, axes=axes, prefix=False))


def _pool(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind = sketch.kinds[of]
    axes = kind.axes.replace("N", "")
    sketch.add({"pool": "mean", "of": of}, replace(kind, axes=axes, prefix=False))


def _view(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind, index = sketch.kinds[of], draw(st.integers(0, sketch.views - 1))
    sketch.add({"view": index, "of": of}, replace(kind, axes=kind.axes[1:]))


def _detach(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    sketch.add({"detach": of}, sketch.kinds[of])


def _gather(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind = sketch.kinds[of]
    sketch.add({"gather": "hidden.ids", "of": of}, Kind("VBMD", kind.width))


def _concat(draw: st.DrawFn, sketch: Sketch, of: str) -> None:
    kind = sketch.kinds[of]
    alike = [n for n, k in sketch.kinds.items() if replace(k, width=kind.width) == kind]
    other = draw(st.sampled_from(alike))
    added = sketch.kinds[other].width
    width = (kind.width[0] + added[0], kind.width[1] + added[1])
    sketch.add({"concat": [of, other]}, replace(kind, width=width))


STEPS: tuple[tuple[Callable[[Kind], bool], Callable[[st.DrawFn, Sketch, str], None]], ...] = (
    (lambda _kind: True, _linear),
    (lambda kind: kind.prefix, _select),
    (lambda kind: "N" in kind.axes, _pool),
    (lambda kind: "V" in kind.axes, _view),
    (lambda _kind: True, _detach),
    (lambda kind: kind.axes == "VBND" and kind.prefix, _gather),
    (lambda _kind: True, _concat),
)


def _term(draw: st.DrawFn, sketch: Sketch) -> dict[str, object]:
    flat = [name for name, kind in sketch.kinds.items() if kind.axes in {"VBD", "BD"}]
    impl = draw(st.sampled_from(["mse", "variance", "covariance", "invariance"]))
    x = draw(st.sampled_from(sorted(sketch.kinds) if impl == "mse" else flat))
    weight = draw(st.sampled_from([0.5, 1.0, 25.0]))
    if impl != "mse":
        if impl == "invariance" and sketch.kinds[x].axes != "VBD":
            impl = "variance"
        return {"impl": impl, "x": x, "weight": weight}
    y = draw(st.sampled_from([n for n, k in sketch.kinds.items() if k == sketch.kinds[x]]))
    return {"impl": impl, "x": x, "y": y, "weight": weight}


@st.composite
def methods(draw: st.DrawFn) -> dict[str, object]:
    """The body of a method's card, with an embedding `z` that a rewrite can cut."""
    sketch = Sketch(views=2)
    sketch.modules["encoder"] = {"backbone": "from-spec"}
    sketch.modules["embed"] = {"impl": "linear", "params": {"width": 6}}
    tokens = Kind("VBND", prefix=True)
    sketch.add({"apply": "encoder", "to": {"images": "global"}}, tokens, name="tokens")
    sketch.add({"apply": "embed", "to": {"x": "tokens"}}, replace(tokens, width=(0, 1)), name="z")
    sketch.add({"pool": "mean", "of": "z"}, Kind("VBD", width=(0, 1)), name="pooled")
    for _ in range(draw(st.integers(0, 8))):
        of = draw(st.sampled_from(sorted(sketch.kinds)))
        steps = [step for fits, step in STEPS if fits(sketch.kinds[of])]
        draw(st.sampled_from(steps))(draw, sketch, of)
    terms = {f"t{n}": _term(draw, sketch) for n in range(draw(st.integers(1, 3)))}
    return {
        "card": "method",
        "rev": 1,
        "about": "A random method.",
        "views": {"global": {"count": sketch.views}},
        "modules": sketch.modules,
        "inputs": {
            "hidden": {
                "impl": "stratified",
                "of": "global",
                "params": {"share": 0.5, "ratios": [0.3, 0.5]},
            },
        },
        "flow": dict(draw(st.permutations(list(sketch.flow.items())))),
        "embedding": {"module": "embed", "group": "global"},
        "terms": terms,
    }


def spec_with(method: dict[str, object], *, equivariance: object = "none") -> dict[str, object]:
    """A spec that trains a drawn method on a tiny transformer."""
    params = {"patch": 8, "width": WIDTH, "depth": 1, "heads": 2}
    return {
        "schema": 1,
        "image": 16,
        "data": {"use": "photos"},
        "augment": {"use": "crop_only"},
        "backbone": {
            "card": "backbone",
            "rev": 1,
            "about": "A tiny transformer.",
            "impl": "vit",
            "params": params,
        },
        "method": method,
        "equivariance": equivariance,
        "train": {
            "length": "2 steps",
            "batch": 4,
            "optimizer": {"impl": "adamw", "params": {"lr": 0.001}},
        },
    }


def planned(mapping: dict[str, object], *, name: str = "drawn.yaml") -> Plan:
    """A spec as plain data, written as YAML, read and compiled."""
    return plan_of(parse_spec(write_yaml(mapping), path=Path(name)))
