"""Views computed on a CUDA device equal those of the CPU."""

from __future__ import annotations

import pytest
import torch

from eqspec.build.program import Program
from tests.programs import program_of
from tests.toy_specs import PATH, toy_plan


def first_streams(program: Program) -> dict[str, torch.Tensor]:
    return program.streams(next(program.batches(0, 1)))


@pytest.mark.parametrize("method", ["vicreg", "dinov2", "mae", "ijepa"])
def test_streams_are_those_of_the_cpu(method: str) -> None:
    plan = toy_plan(method, equivariance=PATH if method in {"vicreg", "dinov2"} else "none")
    expected = first_streams(program_of(plan))
    found = first_streams(program_of(plan, device="cuda"))
    assert found.keys() == expected.keys()
    for name, stream in expected.items():
        assert found[name].device.type == "cuda", name
        if stream.is_floating_point():  # pixels are normalised by a deviation of about .25
            torch.testing.assert_close(found[name].cpu(), stream, atol=1 / 255, rtol=0)
        else:
            assert torch.equal(found[name].cpu(), stream), name
