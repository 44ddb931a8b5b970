"""Every term keeps the contract of terms: found by its file, with the same tests."""

from __future__ import annotations

import inspect

import pytest
import torch

from eqspec.ops.example import stream
from eqspec.ops.find import find_term, op_names
from eqspec.ops.op import SCALAR, PortError, scheduled_fields
from tests.term_examples import EXAMPLES, build, call, tensors

EACH = pytest.mark.parametrize("key", EXAMPLES, ids=" ".join)
BATCH = 4


def test_every_term_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} == set(op_names("terms"))


@pytest.mark.parametrize("name", op_names("terms"))
def test_a_term_names_its_source(name: str) -> None:
    op = find_term(name)
    first, *rest = op.about.splitlines()
    assert first.endswith(".")
    assert len(first) <= 100
    assert "arXiv:" in " ".join(rest)
    assert op.rev >= 1


@EACH
def test_params_survive_json(key: tuple[str, str]) -> None:
    op = find_term(key[0])
    params = op.Params.model_validate(EXAMPLES[key].params)
    assert op.Params.model_validate_json(params.model_dump_json()) == params


@EACH
def test_forward_takes_the_ports_and_the_schedules(key: tuple[str, str]) -> None:
    op = find_term(key[0])
    taken = inspect.signature(build(key).forward).parameters
    assert tuple(taken) == (*(p.name for p in op.ports), *scheduled_fields(op.Params))


@EACH
def test_a_term_is_one_number(key: tuple[str, str]) -> None:
    op = find_term(key[0])
    assert (
        op.shapes(op.Params.model_validate(EXAMPLES[key].params), EXAMPLES[key].streams) == SCALAR
    )


@EACH
def test_a_stream_without_samples_is_refused(key: tuple[str, str]) -> None:
    op, example = find_term(key[0]), EXAMPLES[key]
    params = op.Params.model_validate(example.params)
    for port in example.streams:
        with pytest.raises(PortError):
            op.shapes(params, {**example.streams, port: stream("HW", 3, 3)})


@EACH
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_a_term_is_at_least_float32_and_the_same_twice(
    key: tuple[str, str], dtype: torch.dtype
) -> None:
    streams = tensors(key, batch=BATCH, dtype=dtype)
    values = [call(key, build(key), streams) for _ in range(2)]
    assert values[0].shape == ()
    assert values[0].dtype == torch.promote_types(dtype, torch.float32)
    assert torch.equal(*values)
    assert values[0].isfinite()


@EACH
def test_gradients_reach_all_but_the_teachers(key: tuple[str, str]) -> None:
    streams = tensors(key, batch=BATCH, dtype=torch.float32)
    learned = {name: x.requires_grad_() for name, x in streams.items() if x.is_floating_point()}
    call(key, build(key), streams).backward()
    targets = {"images", *EXAMPLES[key].frozen}
    for name, x in learned.items():
        if name in EXAMPLES[key].frozen:
            assert x.grad is None, name
        elif name not in targets:
            assert x.grad.isfinite().all(), name
            assert x.grad.norm() > 0, name


@EACH
def test_a_term_runs_without_data(key: tuple[str, str]) -> None:
    with torch.device("meta"):
        term = build(key)
    streams = {
        name: x.to("meta") for name, x in tensors(key, batch=BATCH, dtype=torch.float32).items()
    }
    value = call(key, term, streams)
    assert value.is_meta
    assert value.shape == ()


@EACH
def test_a_term_is_one_graph(key: tuple[str, str]) -> None:
    streams = tensors(key, batch=BATCH, dtype=torch.float64)
    term, plain = build(key), build(key)
    torch.compiler.reset()
    # State that changes in a graph is autograd's business too; the rest is quicker without.
    backend = "aot_eager" if list(term.buffers()) else "eager"
    compiled = torch.compile(term, backend=backend, fullgraph=True)
    for _ in range(2):
        values = call(key, compiled, streams), call(key, plain, streams)
        torch.testing.assert_close(*values, rtol=1e-6, atol=0)
    for (name, state), other in zip(term.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(state, other, msg=name)


@EACH
def test_state_moves_in_training_only(key: tuple[str, str]) -> None:
    term = build(key)
    streams = tensors(key, batch=BATCH, dtype=torch.float32)
    term.eval()
    before = {name: x.clone() for name, x in term.named_buffers()}
    call(key, term, streams)
    assert all(torch.equal(x, before[name]) for name, x in term.named_buffers())
    term.train()
    call(key, term, streams)
    assert not any(torch.equal(x, before[name]) for name, x in term.named_buffers())


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("mse", {"reduction": "mean-over-variance"}),
        ("mse", {"variance": 0.05}),
        ("variance", {"floor": 0.0}),
        ("koleo", {"group": 1}),
        ("info_nce", {"temperature": 0.0}),
        ("self_distillation", {"teacher_temp": 0.07, "centre": 1.5}),
        ("covariance", {"floor": 1.0}),
    ],
)
def test_params_without_meaning_are_refused(name: str, params: dict) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        find_term(name).Params.model_validate(params)


@pytest.mark.parametrize(
    ("key", "port", "other"),
    [
        (("invariance", ""), "x", stream("VBD", 3, 6)),
        (("contrastive", ""), "keys", stream("VBD", 2, 5)),
        (("mse", ""), "y", stream("BD", 5)),
        (("self_distillation", ""), "student.1", stream("VBD", 3, 8)),
        (("self_distillation", ""), "teacher", stream("VBD", 6, 7)),
        (("masked_distillation", ""), "mask", stream("VBN", 2, 5)),
        (("masked_patch_mse", ""), "prediction", stream("VBND", 1, 16, 12)),
        (("masked_patch_mse", ""), "images", stream("VBCHW", 1, 3, 12, 12)),
        (("masked_patch_mse", ""), "keep", stream("VBM", 1, 16, dtype="int")),
    ],
)
def test_streams_that_do_not_fit_are_refused(
    key: tuple[str, str], port: str, other: object
) -> None:
    op, example = find_term(key[0]), EXAMPLES[key]
    params = op.Params.model_validate(example.params)
    with pytest.raises(PortError):
        op.shapes(params, {**example.streams, port: other})


def test_a_mean_over_all_patches_needs_all_patches() -> None:
    op = find_term("masked_distillation")
    params = op.Params(teacher_temp=0.07, centre=0.9)
    with pytest.raises(PortError, match="centre_of: masked"):
        op.shapes(params, EXAMPLES["masked_distillation", "gathered"].streams)
