"""Every backbone, head and decoder keeps the contract of ops that stand in a graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from eqspec.ops.find import find_module, op_names
from eqspec.ops.op import OpParams, Port
from tests.module_examples import EXAMPLES, Case

OPS = [(family, name) for family in ("backbones", "heads", "decoders") for name in op_names(family)]
CASES = [Case(*key) for key in EXAMPLES]

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def scored(y: torch.Tensor) -> torch.Tensor:
    """A loss that tells all outputs apart."""
    return (y * torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape)).sum()


def results(module: torch.nn.Module, inputs: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Output and gradients of one training pass."""
    y = module(**inputs)
    scored(y).backward()
    return {"": y.detach()} | {
        name: p.grad for name, p in module.named_parameters() if p.grad is not None
    }


def narrowed(value: Any) -> Any:
    """Float64 as float32; ids, masks and the number of views as they are."""
    wide = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.float() if wide else value


@pytest.mark.parametrize(("family", "name"), OPS)
def test_there_is_an_example(family: str, name: str) -> None:
    assert find_module(family, name).examples, "an op declares `examples`"


@pytest.mark.parametrize(("family", "name"), OPS)
def test_the_file_states_what_it_is(family: str, name: str) -> None:
    op = find_module(family, name)
    assert isinstance(op.rev, int)
    assert op.rev >= 1
    assert issubclass(op.Params, OpParams)
    assert op.ports
    assert all(isinstance(port, Port) for port in op.ports)
    first = op.about.splitlines()[0]
    assert first.endswith(".")
    assert len(first) <= 100
    assert "arXiv:" in op.about


@every_case
def test_params_survive_json(case: Case) -> None:
    assert case.op.Params.model_validate_json(case.params.model_dump_json()) == case.params


@every_case
def test_examples_connect_ports(case: Case) -> None:
    names = {port.name for port in case.op.ports}
    needed = {port.name for port in case.op.ports if not port.optional}
    assert needed <= set(case.example.streams) <= names


@every_case
def test_shapes_are_those_of_the_forward_pass(case: Case) -> None:
    assert case.module()(**case.inputs()).shape == case.wanted_shape()
    on_meta = case.on_meta().double()(**case.inputs(device="meta"))
    assert on_meta.shape == case.wanted_shape()
    assert on_meta.is_meta


@every_case
def test_nothing_inside_draws(case: Case) -> None:
    built = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # noqa: TID251 - to show that it does not matter
            state = torch.get_rng_state()
            built.append(results(case.module().train(), case.inputs()))
            assert torch.equal(torch.get_rng_state(), state)
    assert built[0].keys() == built[1].keys()
    assert all(torch.equal(value, built[1][name]) for name, value in built[0].items())


@every_case
def test_gradients_reach_every_parameter(case: Case) -> None:
    module = case.module()
    built = results(module, case.inputs())
    for name, parameter in module.named_parameters():
        assert parameter.requires_grad, name
        assert built[name].isfinite().all(), name
        assert built[name].abs().max() > 0, name


@every_case
def test_bfloat16_is_close(case: Case) -> None:
    """Under autocast, with float32 weights."""
    wanted = case.module()(**case.inputs())
    low = {port: narrowed(value) for port, value in case.inputs().items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        built = results(case.module().float(), low)
    assert all(value.isfinite().all() for value in built.values())
    error = (built[""].double() - wanted).norm() / wanted.norm()
    assert error < 0.05


@every_case
def test_compiled_as_one_graph_is_the_same(case: Case) -> None:
    torch.compiler.reset()
    wanted = results(case.module(), case.inputs())
    compiled = torch.compile(case.module(), fullgraph=True, backend=case.example.backend)
    y = compiled(**case.inputs())
    scored(y).backward()
    torch.testing.assert_close(y, wanted.pop(""), rtol=1e-9, atol=1e-12)
    for name, parameter in compiled._orig_mod.named_parameters():
        torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-9, atol=1e-9)


def test_compiled_to_machine_code_is_the_same() -> None:
    """One head is enough to see that inductor takes the gathered batch norm."""
    case = Case("heads", "mlp", "batch")
    with torch.no_grad():
        wanted = case.module()(**case.inputs())
        compiled = torch.compile(case.module(), fullgraph=True)
        torch.testing.assert_close(compiled(**case.inputs()), wanted, rtol=1e-9, atol=1e-9)
