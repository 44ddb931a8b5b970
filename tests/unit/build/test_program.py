"""A plan made live: pieces that would change a number are refused, blocks compile one by one."""

from __future__ import annotations

import pytest
import torch

from eqspec.build.program import check_pieces, choose_device, compile_graph
from eqspec.build.timeline import Timeline
from eqspec.errors import EqspecError
from eqspec.nn.world import World
from tests.graphs import Case
from tests.toy_specs import toy_plan

RESNET = "{card: backbone, rev: 1, about: A toy residual network., impl: resnet, params: PARAMS}"


def pieces(params: str, *, micro_batches: int, ranks: int) -> str | None:
    """What is said against a batch of 8 in so many pieces; None when nothing is."""
    plan = toy_plan("vicreg", backbone=RESNET.replace("PARAMS", params))
    machine = plan.machine.model_copy(update={"micro_batches": micro_batches, "compile": "off"})
    plan = plan.model_copy(update={"machine": machine})
    try:
        check_pieces(plan, world=World(rank=0, size=ranks))
    except EqspecError as error:
        return error.message
    return None


def test_ranks_alone_change_no_statistic() -> None:
    assert pieces("{depth: 18}", micro_batches=1, ranks=2) is None


def test_groups_may_not_span_micro_batches_on_any_rank() -> None:
    """Two ranks of two micro-batches hold 2 samples at a time: groups of 4 would be torn apart."""
    assert pieces("{depth: 18, group: 2}", micro_batches=2, ranks=2) is None
    assert pieces("{depth: 18, group: 4}", micro_batches=2, ranks=1) is None
    reported = pieces("{depth: 18, group: 4}", micro_batches=2, ranks=2)
    assert reported == "`encoder` normalises over groups of 4 samples, so 2 at a time is not exact"


def test_the_batch_is_cut_into_equal_pieces() -> None:
    assert pieces("{depth: 18}", micro_batches=1, ranks=3) == (
        "a batch of 8 cannot be cut into 3 equal pieces"
    )


def test_schedules_are_read_off_the_plan() -> None:
    timeline = Timeline(toy_plan("ibot"))
    assert timeline.momenta(0) == {"teacher": pytest.approx(0.996)}
    assert timeline.momenta(3)["teacher"] > 0.996
    controls = timeline.controls(0)
    assert controls["cls.weight"] == 1.0
    assert controls["cls.teacher_temp"] == pytest.approx(0.04)
    assert timeline.weight_decay(0) == pytest.approx(0.04)
    assert timeline.lr(0) == 0.0
    assert timeline.lr(1) > 0.0


def test_a_device_can_be_asked_for() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_blocks_of_many_sizes_compile() -> None:
    """A ResNet's blocks differ in size, more than torch recompiles one function by default."""
    torch.compiler.reset()
    plan = toy_plan("vicreg", backbone=RESNET.replace("PARAMS", "{depth: 18, stem: cifar}"))
    case = Case(plan.graph)
    eager, compiled = case.graph(), case.graph()
    compile_graph(compiled, backend="eager")
    for graph_mode in (torch.enable_grad, torch.no_grad):
        with graph_mode():
            expected = eager.encode(case.streams())["tokens"]
            found = compiled.encode(case.streams())["tokens"]
        torch.testing.assert_close(found, expected)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(EqspecError, match="no CUDA device") as refused:
        choose_device("cuda")
    assert refused.value.exit_status == 2
    assert choose_device("auto") == choose_device("cpu")
