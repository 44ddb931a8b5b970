"""The model of a run: evaluated without compiled code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from eqspec.build.program import compile_graph
from eqspec.commands.running.evaluator import subject
from eqspec.commands.running.model import Model
from eqspec.evals.features import encode
from tests.programs import program_of
from tests.toy_specs import toy_plan


def _wrong(graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
    """Compile to code whose results are too large by a half."""

    def run(*given: Any) -> Any:
        return [1.5 * x if x.is_floating_point() else x for x in graph(*given)]

    return run


def test_evaluations_use_no_compiled_code() -> None:
    plan = toy_plan("vicreg")
    program = program_of(plan)
    images = torch.rand(2, 3, plan.image, plan.image, generator=torch.Generator().manual_seed(0))

    def features() -> torch.Tensor:
        return encode(subject(program.graph, plan), images, rows=("encoder",))["encoder"]

    expected = features()
    torch.compiler.reset()
    compile_graph(program.graph, backend=_wrong)  # pyright: ignore[reportArgumentType] - a test's
    model = Model(program.graph, replace(program, compiled=True), saved=None, warnings=())
    assert not torch.equal(features(), expected)
    with model.uncompiled():
        assert torch.equal(features(), expected)
