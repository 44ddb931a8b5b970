"""What torch compiles is counted, held against the uncompiled loss, and explained when it fails."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from eqspec.build.program import Program, compile_graph
from eqspec.compile.types.plan import Plan
from eqspec.engine.compiling import watch_compilation
from eqspec.engine.events import Agreed, Stepped
from eqspec.engine.train import train
from eqspec.errors import EqspecError
from tests.programs import program_of, stepped
from tests.toy_specs import toy_plan

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

SMALL = toy_plan(
    "vicreg",
    backbone="{card: backbone, rev: 1, about: One block., impl: vit, "
    "params: {patch: 16, width: 8, depth: 1, heads: 1}}",
)


def compiled(plan: Plan, *, backend: Any = "eager") -> Program:
    """A program whose blocks and judge are traced by torch's compiler; nothing is built by g++."""
    torch.compiler.reset()
    program = program_of(plan)
    compile_graph(program.graph, backend=backend)
    return replace(program, compiled=True)


def test_the_first_batch_is_compared_and_nothing_is_moved_by_it() -> None:
    agreed, *rest = train(compiled(SMALL), until=3)
    assert isinstance(agreed, Agreed)
    assert agreed.step == 0
    assert agreed.gap <= 1e-5 < agreed.tolerance
    first, second, third = (e for e in rest if isinstance(e, Stepped))
    assert first.compiled is not None
    assert first.compiled.forms >= 2
    assert 0 < first.compiled.seconds <= first.seconds
    assert (second.settled, third.settled, third.compiled) == (False, True, None)
    # Its batch norms hold statistics, which a forward moves.
    for one, other in zip((first, second), stepped(program_of(SMALL), until=2), strict=True):
        assert one.metrics == pytest.approx(other.metrics, rel=1e-5)


def _wrong(graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
    """A compiler whose floats are too large by a half."""

    def run(*given: Any) -> Any:
        built = graph(*given)
        return [x * 1.5 if torch.is_tensor(x) and x.is_floating_point() else x for x in built]

    return run


def test_code_that_computes_something_else_is_refused() -> None:
    program = compiled(SMALL, backend=_wrong)
    with pytest.raises(EqspecError, match=r"disagree at step 1: the term `\w+` is") as caught:
        next(train(program))
    assert caught.value.help is not None
    assert "--set machine.compile=off" in caught.value.help


def _broken(_graph: object, _inputs: object) -> Callable[..., Any]:
    raise ValueError("no such instruction")


def test_a_compiler_that_fails_is_explained() -> None:
    program = compiled(SMALL, backend=_broken)
    with pytest.raises(EqspecError, match=r"torch.compile failed: .*no such instruction") as caught:
        next(train(program))
    assert caught.value.exit_status == 1


def test_why_a_form_did_not_fit_is_told() -> None:
    torch.compiler.reset()
    double = torch.compile(lambda x: 2 * x, backend="eager", dynamic=False)
    with watch_compilation() as watch:
        assert watch.taken() is None
        double(torch.ones(2))
        first = watch.taken()
        double(torch.ones(3))
        second = watch.taken()
        double(torch.ones(2))
        assert watch.taken() is None
    assert first is not None
    assert (first.forms, first.reasons) == (1, ())
    assert second is not None
    assert second.forms == 1
    assert "size mismatch" in second.reasons[0]


def test_a_backward_that_is_compiled_later_is_counted_then() -> None:
    torch.compiler.reset()
    square = torch.compile(lambda x: x * x, backend="aot_eager")
    with watch_compilation() as watch:
        loss = square(torch.ones(2, requires_grad=True)).sum()
        forward = watch.taken()
        loss.backward()
        backward = watch.taken()
        assert watch.taken() is None
    assert forward is not None
    assert forward.forms == 1
    assert backward is not None
    assert backward.forms == 0
    assert backward.seconds > 0


def test_torch_says_nothing_of_a_missing_device() -> None:
    """Where CUDA's compiler is installed, torch looks for a device when it compiles for the CPU."""
    logger, reported = logging.getLogger("torch.utils.cpp_extension"), io.StringIO()
    logger.addHandler(handler := logging.StreamHandler(reported))
    try:
        with watch_compilation():
            logger.warning("No CUDA runtime is found, using CUDA_HOME='%s'", "/usr/local")
            logger.warning("another")
        logger.warning("No CUDA runtime is found, using CUDA_HOME='%s'", "/usr/local")
    finally:
        logger.removeHandler(handler)
    assert reported.getvalue().split(",")[0] == "another\nNo CUDA runtime is found"
