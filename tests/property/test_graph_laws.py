"""Laws of compiling graphs, on methods that nobody has thought of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eqspec.build.cost.fake_graph import input_streams
from eqspec.build.graph.training_graph import TrainGraph
from eqspec.compile.graph.draft import reads
from eqspec.compile.graph.infer import infer
from eqspec.compile.graph.lower import lower_method
from eqspec.compile.graph.prune import order
from eqspec.errors import SpecError
from eqspec.nn.world import World
from eqspec.registry.cards import BackboneCard, MethodCard
from eqspec.spec.dump import write_yaml
from tests.graphs import Case, every_stream
from tests.method_strategies import FEWER, PATH_REWRITE, methods, planned, spec_with

if TYPE_CHECKING:
    from eqspec.compile.types.graph import GraphPlan

REWRITES = st.sampled_from(["none", PATH_REWRITE])


@given(methods(), REWRITES)
def test_every_stream_is_made_before_it_is_read(method: dict[str, object], rewrite: object) -> None:
    plan = planned(spec_with(method, equivariance=rewrite)).graph
    steps = (*plan.encode, *plan.loss)
    ready = set(plan.streams) - {node.out for node in steps}
    for node in steps:
        assert set(reads(node)) <= ready, node.out
        ready.add(node.out)
    for term in plan.terms:
        for stream in term.ports.values():
            assert {stream} if isinstance(stream, str) else set(stream) <= ready


@given(methods(), REWRITES)
def test_nothing_is_left_that_no_term_sees(method: dict[str, object], rewrite: object) -> None:
    plan = planned(spec_with(method, equivariance=rewrite)).graph
    steps = (*plan.encode, *plan.loss)
    read = {name for node in steps for name in reads(node)}
    read |= {
        s for t in plan.terms for p in t.ports.values() for s in ([p] if isinstance(p, str) else p)
    }
    assert set(plan.streams) == read
    applied = {node.module for node in steps if node.kind == "apply"}
    assert {module.name for module in plan.modules} == applied
    assert bool(plan.inputs) == any(name.startswith("hidden") for name in read)


@FEWER
@given(methods(), REWRITES, st.data())
def test_the_order_of_writing_says_nothing(
    method: dict[str, object], rewrite: object, data: st.DataObject
) -> None:
    flow = dict(data.draw(st.permutations(list(method["flow"].items()))))
    one = planned(spec_with(method, equivariance=rewrite))
    other = planned(spec_with({**method, "flow": flow}, equivariance=rewrite))
    assert one.recipe == other.recipe
    assert one.graph.streams == other.graph.streams
    assert {n.out: n for n in one.graph.loss} == {n.out: n for n in other.graph.loss}


def whole(method: dict[str, object], plan: GraphPlan) -> GraphPlan:
    """The method's graph with everything in it that `plan` has left out."""
    spec = spec_with(method)
    backbone = BackboneCard.model_validate(spec["backbone"])
    given = {"global": plan.streams["global"]}
    draft = order(
        lower_method(MethodCard.model_validate(method), backbone=backbone), given=frozenset(given)
    )
    return infer(draft, given=given, image_size=16)


@FEWER
@given(methods())
def test_pruning_changes_no_term(method: dict[str, object]) -> None:
    plan = planned(spec_with(method)).graph
    full = whole(method, plan)
    assert {n.out for n in plan.loss} <= {n.out for n in full.loss}
    small, large = Case(plan), Case(full)
    one = small.graph()(small.streams(), small.controls()).terms
    other = large.graph()(large.streams(), large.controls()).terms
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@FEWER
@given(methods(), REWRITES)
def test_types_are_true_on_meta_and_on_real_tensors(
    method: dict[str, object], rewrite: object
) -> None:
    plan = planned(spec_with(method, equivariance=rewrite))
    case = Case(plan.graph)
    real = every_stream(case.graph(), case.streams())
    with torch.device("meta"):
        hollow = TrainGraph(plan.graph, world=World())
        meta = every_stream(hollow, input_streams(plan, batch=case.batch))
    for name, kind in plan.graph.streams.items():
        assert real[name].shape == meta[name].shape == kind.shape(batch=case.batch), name


@FEWER
@given(methods())
def test_a_cut_keeps_the_parts_apart_in_any_method(method: dict[str, object]) -> None:
    plan = planned(spec_with(method, equivariance=PATH_REWRITE)).graph
    assert plan.split == (3, 3)
    case = Case(plan)
    graph = case.graph()
    loss = graph(case.streams(), case.controls())
    rows = list(graph.students["embed"].parameters())
    for name, value in loss.terms.items():
        if not value.requires_grad:
            continue
        slopes = torch.autograd.grad(value, rows, retain_graph=True, allow_unused=True)
        of_others = slice(3) if name in plan.added else slice(3, None)
        assert not any(s is not None and s[of_others].any() for s in slopes), name
        assert name not in plan.added or all(s[3:].any() for s in slopes)


BAD = {
    "unknown stream": ({"flow": {"s": {"pool": "mean", "of": "nowhere"}}}, "nowhere"),
    "cycle": ({"flow": {"a": {"detach": "b"}, "b": {"detach": "a"}}}, "wait for one another"),
    "wrong port": ({"flow": {"s": {"apply": "embed", "to": {"y": "tokens"}}}}, "no port `y`"),
    "missing port": ({"flow": {"s": {"apply": "embed", "to": {}}}}, "port `x` is not connected"),
    "missing teacher": (
        {"flow": {"s": {"apply": "teacher.embed", "to": {"x": "tokens"}}}},
        "no teacher `teacher` follows `embed`",
    ),
    "no such module": ({"flow": {"s": {"apply": "nobody", "to": {"x": "z"}}}}, "is no module"),
    "made twice": ({"flow": {"global": {"detach": "z"}}}, "made twice"),
    "drawn and made": ({"flow": {"hidden": {"detach": "z"}}}, "made twice"),
    "given and drawn": ({"inputs": {"global": {"impl": "random_keep", "of": "global"}}}, "global"),
    "no such op": ({"modules": {"m": {"impl": "nothing"}}}, "no op `nothing`"),
    "no such mask": ({"inputs": {"m": {"impl": "nothing", "of": "global"}}}, "no op `nothing`"),
    "no such term": ({"terms": {"t": {"impl": "nothing", "x": "z", "weight": 1}}}, "no op"),
    "no such schedule": (
        {"terms": {"t": {"impl": "variance", "x": "pooled", "weight": {"impl": "nothing"}}}},
        "no op `nothing`",
    ),
    "no such parameter": (
        {"modules": {"m": {"impl": "linear", "params": {"widht": 3}}}},
        ".widht`",
    ),
    "term without stream": ({"terms": {"t": {"impl": "variance", "weight": 1}}}, "not connected"),
    "term on the wrong stream": (
        {"terms": {"t": {"impl": "invariance", "x": "global", "weight": 1}}},
        "needs a stream with axes V, B, D",
    ),
    "two streams at one port": (
        {"terms": {"t": {"impl": "variance", "x": ["z", "z"], "weight": 1}}},
        "takes one stream",
    ),
    "a dot in a name": ({"flow": {"a.b": {"detach": "z"}}}, "holds a dot"),
    "a repeat": (
        {"flow": {"a_k": {"apply": "embed", "to": {}, "repeat": {"k": "images"}}}},
        "only",
    ),
    "a teacher of nobody": ({"teachers": {"t": {"follows": ["x"], "momentum": 0.9}}}, "no module"),
    "a copy without": (
        {"teachers": {"t": {"follows": ["encoder"], "except": ["encoder.x"], "momentum": 0.9}}},
        "cannot do without `encoder.x`",
    ),
    "concat of others": ({"flow": {"s": {"concat": ["z", "pooled"]}}}, "cannot concatenate"),
    "concat of images": ({"flow": {"s": {"concat": ["global", "global"]}}}, "last axis is D"),
    "pool of no tokens": ({"flow": {"s": {"pool": "mean", "of": "pooled"}}}, "axis N"),
    "no such view": ({"flow": {"s": {"view": 2, "of": "z"}}}, "view 2 of a stream with 2"),
    "late encoder": (
        {"flow": {"q": {"detach": "global"}, "s": {"apply": "encoder", "to": {"images": "q"}}}},
        "cannot read the computed stream `q`",
    ),
}
"""What is wrong → what is added to a legal method, and a part of what is said."""


LEGAL = {
    "card": "method",
    "rev": 1,
    "about": "Something small that is legal.",
    "views": {"global": {"count": 2}},
    "modules": {
        "encoder": {"backbone": "from-spec"},
        "embed": {"impl": "linear", "params": {"width": 6}},
    },
    "teachers": {},
    "inputs": {
        "hidden": {"impl": "stratified", "of": "global", "params": {"share": 1, "ratios": [0, 1]}}
    },
    "flow": {
        "tokens": {"apply": "encoder", "to": {"images": "global"}},
        "z": {"apply": "embed", "to": {"x": "tokens"}},
        "pooled": {"pool": "mean", "of": "z"},
    },
    "embedding": {"module": "embed", "group": "global"},
    "terms": {"spread": {"impl": "variance", "x": "pooled", "weight": 1.0}},
}


def test_what_is_spoilt_below_is_legal_before() -> None:
    planned(spec_with(LEGAL))


@pytest.mark.parametrize("equivariance", ["none", PATH_REWRITE], ids=["base", "path"])
@pytest.mark.parametrize(("added", "expected"), BAD.values(), ids=BAD)
def test_a_bad_card_is_explained_where_it_is_bad(
    added: dict[str, dict[str, object]], expected: str, equivariance: object
) -> None:
    spoilt = {**LEGAL, **{section: {**LEGAL[section], **more} for section, more in added.items()}}
    text = write_yaml(spec_with(spoilt, equivariance=equivariance))
    with pytest.raises(SpecError) as caught:
        planned(spec_with(spoilt, equivariance=equivariance), name="bad.yaml")
    found = caught.value.diagnostics
    # A misspelt parameter is unknown, and the one that was meant is missing.
    assert len(found) == (2 if expected == ".widht`" else 1)
    assert sum(expected in diagnostic.message for diagnostic in found) == 1
    legal = write_yaml(spec_with(LEGAL, equivariance=equivariance))
    for diagnostic in found:
        assert diagnostic.location is not None
        assert diagnostic.location.file == "bad.yaml"
        assert diagnostic.location.excerpt in set(text.splitlines()) - set(legal.splitlines())
