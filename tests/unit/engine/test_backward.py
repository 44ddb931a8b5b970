"""One backward pass: what it leaves in the gradients, and what it measures at the cut."""

from __future__ import annotations

import pytest
import torch

from eqspec.engine.backward import backward
from tests.graphs import Case, backward_pass, gradients
from tests.toy_specs import PATH, toy_plan

CASE = Case(toy_plan("ibot", equivariance=PATH).graph, dtype=torch.float64)


def test_the_cut_changes_no_gradient() -> None:
    """Encode and judge apart give what one pass through the whole graph gives."""
    apart, whole = CASE.graph(), CASE.graph()
    backward_pass(CASE, apart)
    whole(CASE.streams(), CASE.controls()).total.backward()
    expected = gradients(whole)
    for name, slope in gradients(apart).items():
        torch.testing.assert_close(slope, expected[name], rtol=1e-12, atol=1e-14)
    assert gradients(apart).keys() == expected.keys()


def test_gradients_add_up() -> None:
    graph = CASE.graph().eval()  # centres stand still
    backward_pass(CASE, graph)
    once = gradients(graph)
    backward_pass(CASE, graph)
    for name, slope in gradients(graph).items():
        torch.testing.assert_close(slope, 2 * once[name])


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_measuring_changes_nothing(micro_batches: int) -> None:
    plain, measured = CASE.graph(), CASE.graph()
    backward_pass(CASE, plain, micro_batches=micro_batches)
    found = backward(
        measured, CASE.streams(), CASE.controls(), micro_batches=micro_batches, norms=True
    )
    assert set(found.cut_norms) == {"cls", "patch", "recon", "method", "added"}
    expected = gradients(plain)
    assert all(torch.equal(slope, expected[n]) for n, slope in gradients(measured).items())
    states = zip(plain.buffers(), measured.buffers(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)


def test_norms_at_the_cut_are_those_of_the_weighted_terms() -> None:
    weights = {**CASE.controls(), "recon.weight": torch.tensor(3.0, dtype=CASE.dtype)}
    found = backward(CASE.graph(), CASE.streams(), weights, norms=True).cut_norms
    graph = CASE.graph()
    cut = {n: x.detach() for n, x in graph.encode(CASE.streams()).items()}
    leaves = [cut[n].requires_grad_() for n in ("s", "l")]
    terms = graph.loss({**CASE.streams(), **cut}, weights).terms
    for name, weight in (("cls", 1.0), ("patch", 1.0), ("recon", 3.0)):
        slopes = torch.autograd.grad(
            weight * terms[name], leaves, retain_graph=True, allow_unused=True
        )
        squares = sum(s.square().sum() for s in slopes if s is not None)
        torch.testing.assert_close(found[name], squares.sqrt())
    assert found["added"] == found["recon"]
    assert found["method"] < found["cls"] + found["patch"]


def test_a_base_has_no_sides_to_compare() -> None:
    case = Case(toy_plan("vicreg").graph)
    found = backward(case.graph(), case.streams(), case.controls(), norms=True).cut_norms
    assert set(found) == {"invariance", "variance", "covariance"}


def test_a_measured_step_does_not_go_through_the_compiled_judge() -> None:
    """What a compiler made frees its tensors after one backward, and there is one per term."""

    def refuses(*_: object) -> None:
        message = "this judge was compiled"
        raise AssertionError(message)

    case = Case(toy_plan("vicreg").graph)
    graph = case.graph()
    graph.loss.compile(backend=refuses)
    backward(graph, case.streams(), case.controls(), norms=True)
    torch.compiler.reset()
    with pytest.raises(Exception, match="this judge was compiled"):
        backward(graph, case.streams(), case.controls())
