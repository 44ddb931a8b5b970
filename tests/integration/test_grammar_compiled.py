"""Every graph goes through torch.compile without a break, and says the same numbers."""

from __future__ import annotations

import pytest
import torch

from eqspec.build.program import compile_graph
from tests.graphs import Case, backward_pass, gradients
from tests.toy_specs import COMPOSITIONS, PATH, toy_plan

# torch looks at `.grad` of what it traces, and hides the warning only where warnings are no errors.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

ONE = {"none": "none", PATH: PATH[:-1] + ", images: 1}"}
"""Rewrites with one decoder, since its copies are the same graph again."""

SAME_GRAPH = "vicreg_sie"
"""Differs from VICReg in weights only, which reach the graph as tensors."""

REWRITTEN = {method for method, rewrite in COMPOSITIONS.values() if rewrite != "none"}
DISTINCT = [
    pytest.param(
        *pair,
        id=name,
        # A method's own graph is a part of the rewritten one.
        marks=[pytest.mark.slow] if pair[1] == "none" and pair[0] in REWRITTEN else [],
    )
    for name, pair in COMPOSITIONS.items()
    if pair[0] != SAME_GRAPH
]


@pytest.fixture(autouse=True)
def _nothing_is_compiled_yet() -> None:
    torch.compiler.reset()


@pytest.mark.parametrize("rewrite", [r for m, r in COMPOSITIONS.values() if m == SAME_GRAPH])
def test_the_graph_that_is_left_out_is_that_of_vicreg(rewrite: str) -> None:
    one, other = (toy_plan(m, equivariance=rewrite).graph for m in ("vicreg", SAME_GRAPH))
    weightless = [
        plan.model_copy(
            update={"terms": tuple(t.model_copy(update={"weight": 1.0}) for t in plan.terms)}
        )
        for plan in (one, other)
    ]
    assert weightless[0] == weightless[1]


@pytest.mark.parametrize(("method", "rewrite"), DISTINCT)
def test_compiled_equals_eager(method: str, rewrite: str) -> None:
    case = Case(toy_plan(method, equivariance=ONE.get(rewrite, rewrite)).graph)
    eager, compiled = case.graph(), case.graph()
    compile_graph(compiled, backend="aot_eager")
    one, other = backward_pass(case, eager).loss, backward_pass(case, compiled).loss
    torch.testing.assert_close(other.terms, one.terms, rtol=1e-6, atol=0.0)
    expected = gradients(eager)
    for name, slope in gradients(compiled).items():
        scale = float(expected[name].abs().max())
        torch.testing.assert_close(slope, expected[name], rtol=0.0, atol=1e-6 * scale, msg=name)
    for name, state in compiled.named_buffers():
        torch.testing.assert_close(state, dict(eager.named_buffers())[name], msg=name)
