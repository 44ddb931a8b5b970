"""The model part of a training step beside its own matrix products and attention."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.pictures import pictures
from benchmarks.speed.work.recorded_products import Recorder, fastest
from benchmarks.speed.work.training import WARM_UP, Size, operations, program_of, spec_file
from benchmarks.speed.work.vicreg import SMALL, spec

STEP, PRODUCTS = "model step", "its products and attention"


EAGER = 'machine: {compile: "off"}\n'


def _machine(setting: Setting) -> str:
    """Return the `machine:` of the measured spec: compiled on a GPU only, to save minutes."""
    return "" if setting.device == "cuda" else EAGER


def size(setting: Setting) -> Size:
    """Return the size of a turn."""
    if setting.device == "cuda":
        return Size(224, 256, 256, steps=4)
    sizes = {"full": Size(224, 8, 16), "quick": Size(224, 2, 4), "toy": Size(32, 4, 8)}
    return sizes[setting.scale]


def model_step(*, precision: str, most: float) -> Case:
    """Return the case of a precision.

    Args:
        most: bar of the ratio.
    """

    def step(setting: Setting) -> Work:
        turn, facts = prepared(setting, precision=precision, machine=_machine(setting))
        return Work(turn, facts)

    def products(setting: Setting) -> Work:
        turn, facts = prepared(setting, precision=precision, machine=EAGER)
        recorder = Recorder()
        with recorder:
            turn()
        repeated = fastest(recorder.calls)

        def again() -> Facts:
            repeated()
            return {}

        return Work(again, facts)

    return Case(
        title=f"the model part of a VICReg step, ViT-S/16, 224 px, {precision}",
        about=(
            "Forward and backward of encoder, projector and loss on views in memory, beside the "
            "matrix products and the attention of the same step, repeated alone; attention in the "
            "faster of bf16 and fp32. On a CPU the step is not compiled."
        ),
        unit="images",
        contestants=(Contestant(STEP, step, warm_up=WARM_UP), Contestant(PRODUCTS, products)),
        comparisons=lambda _: (Comparison(STEP, PRODUCTS, at_most=most),),
        amount=lambda setting: size(setting).batch * size(setting).steps,
        devices=("cpu", "cuda"),
    )


def prepared(
    setting: Setting, *, precision: str, machine: str
) -> tuple[Callable[[], Facts], Facts]:
    """Return forward and backward on one batch of views, and the constant facts.

    Args:
        machine: section of the spec.
    """
    from eqspec.engine.backward import backward
    from eqspec.engine.precision import precision_of

    s = size(setting)
    data = pictures(setting.folder / "pictures", count=s.images)
    text = spec(SMALL, precision=precision, size=s, machine=machine)
    name = f"model-{len(machine)}"
    program = program_of(spec_file(text, folder=setting.folder, name=name), data=data)
    streams = program.streams(next(program.batches(0, 1)))
    controls = program.controls(0)
    program.graph.train()

    def turn() -> Facts:
        for _ in range(s.steps):
            program.optimizer.zero_grad(set_to_none=True)
            with precision_of(program), torch.enable_grad():
                done = backward(program.graph, streams, controls)
        return {"loss": float(done.loss.total.detach())}

    return turn, operations(program.plan, size=s)
