"""A few numbers of every op, which `tests/golden/numerics.json` records for its rev.

Inputs are waves in float64, so what comes out is the same on every machine to many more digits than
are compared. Of ops that work in float32 (fits of evaluations) or read files, fewer digits are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import evaluate
from eqspec.evals.features import Subject
from eqspec.nn.random.philox import Draws
from eqspec.ops.find import (
    find_dataset,
    find_evaluation,
    find_optimizer,
    find_relation,
    find_transform,
)
from eqspec.ops.op import StreamType
from eqspec.spec.duration import Clock
from tests import module_examples, relation_examples, term_examples, transform_examples
from tests.contract import test_masks, test_optimizers, test_schedules
from tests.fake_datasets import LAYOUTS
from tests.fake_predictor import FakePredictor
from tests.fakes import FakeFineTuned, FakeImages

Numbers = dict[str, list[float]]

LOOSE = frozenset({"evaluations", "datasets"})
"""Families whose numbers are compared to 0.1 %: fits in float32, and decoded JPEG files."""


def summary(values: Any) -> list[float]:
    """Three numbers that a change of any value, or of their order, moves."""
    x = np.asarray(torch.as_tensor(values).detach(), dtype=np.float64).ravel()
    return [float(x.sum()), float(x @ np.cos(np.arange(x.size))), float(np.sqrt(x @ x))]


def wave(*shape: int, phase: float = 0.0) -> torch.Tensor:
    """Values in [-1, 1] without a pattern, `shape`."""
    at = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return torch.sin(0.7 * at**1.5 + phase).reshape(shape)


def of_module(family: str, name: str) -> Numbers:
    """Output and gradients of each example."""
    found: Numbers = {}
    for key in module_examples.EXAMPLES:
        if key[:2] == (family, name):
            case = module_examples.Case(*key)
            module = case.module().train()
            built = module(**case.inputs())
            (built * wave(*built.shape, phase=1.0)).sum().backward()
            slopes = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
            found[f"{key[2]} output".strip()] = summary(built)
            found[f"{key[2]} gradients".strip()] = summary(torch.cat(slopes))
    return found


def of_term(name: str) -> Numbers:
    """The value, the gradients, and the value once more: some terms remember."""
    found: Numbers = {}
    for key, example in term_examples.EXAMPLES.items():
        if key[0] == name:
            term = term_examples.build(key).double()
            streams = {port: _stream(kind) for port, kind in example.streams.items()}
            free = [
                x.requires_grad_()
                for port, x in streams.items()
                if x.is_floating_point() and port not in example.frozen
            ]
            first = term_examples.call(key, term, streams, schedules=torch.float64)
            first.backward()
            second = term_examples.call(key, term, streams, schedules=torch.float64)
            slopes = torch.cat([x.grad.flatten() for x in free if x.grad is not None])
            found[f"{key[1]} value".strip()] = [first.item(), second.item()]
            found[f"{key[1]} gradients".strip()] = summary(slopes)
    return found


def _stream(kind: StreamType) -> torch.Tensor:
    shape = kind.shape(batch=4)
    if kind.dtype == "bool":
        return wave(*shape) > 0
    if kind.dtype == "int":
        if kind.grid is None:  # classes, of as many as every example has logits
            return torch.arange(int(np.prod(shape))).reshape(shape) % 4
        return wave(*shape[:-1], kind.grid[0] * kind.grid[1]).argsort(dim=-1)[..., : shape[-1]]
    return wave(*shape, phase=0.3 * len(shape))


def of_transform(name: str) -> Numbers:
    """A path of two points, and the encoding of its parameters."""
    op, params = find_transform(name), transform_examples.example_params(name)
    theta = transform_examples.drawn_theta(name, batch=3)
    images = (wave(3, 3, 32, 32) + 1) / 2
    points = transform_examples.example_at(name)(images, theta.double(), fractions=(1 / 3, 1.0))
    found = {"path": summary(points), "ranges": summary(op.ranges(params, size=32))}
    if op.path:
        found["encoding"] = summary(op.encode(params, theta.double().numpy(), size=32))
    return found


def of_relation(name: str) -> Numbers:
    """The actions between a few pairs of views."""
    op, params = find_relation(name), relation_examples.example_params(name)
    first, second = (wave(5, 7, phase=p).numpy() for p in (0.2, 1.3))
    return {"": summary(op.encode(params, first, second))}


def of_mask(name: str) -> Numbers:
    """What is drawn for a few samples of a step."""
    drawn = test_masks.draw(name, batch=4)
    return {output: summary(values.astype(np.float64)) for output, values in drawn.items()}


def of_schedule(name: str) -> Numbers:
    """Its curve."""
    clock = Clock(total=400, steps_per_epoch=10, batch=4)
    return {"": summary([test_schedules.value(name, s, clock=clock) for s in range(clock.total)])}


def of_optimizer(name: str) -> Numbers:
    """A matrix and a vector after three steps."""
    op = find_optimizer(name)
    tensors = [torch.nn.Parameter(wave(3, 4)), torch.nn.Parameter(wave(5, phase=0.5))]
    built = op.build(
        op.Params.model_validate(test_optimizers.EXAMPLES[name]), [{"params": tensors}]
    )
    for step in range(3):
        built.param_groups[0].update(lr=0.1 / (step + 1), weight_decay=0.05)
        for tensor in tensors:
            tensor.grad = wave(*tensor.shape, phase=0.9 * step)
        built.step()
    return {"": summary(torch.cat([t.flatten() for t in tensors]))}


def of_dataset(name: str, folder: Path) -> Numbers:
    """How many images there are, which is which, and what one looks like."""
    op = find_dataset(name)
    found: Numbers = {}
    where = LAYOUTS[name](folder)
    for split in ("train", "heldout"):
        data = op.open(op.Params(), split=split, folder=where)
        labels = [] if data.labels is None else data.labels.tolist()
        pixels = data.image(0).astype(np.float64)
        found[split] = [len(data), len(data.classes), *summary([*labels, 0.0])]
        found[f"{split} image"] = [*pixels.shape, *pixels.mean(axis=(0, 1))]
    return found


def of_evaluation(name: str) -> Numbers:
    """Every metric of a small encoder on small images."""
    weights = wave(48, 6)

    def encoder(images: torch.Tensor) -> torch.Tensor:
        patches = images.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(3)
        return (patches.flatten(1, 2) @ weights.to(images)).sin()

    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    subject = Subject(encoder=encoder, prefix=0, size=16, mean=mean, std=std)
    data = DataPlan(name="waves", impl="waves", params={}, split="train", count=40)
    op = find_evaluation(name)
    params = op.Params.model_validate(op.example)
    plan = EvalPlan(
        id="x",
        name=name,
        impl=name,
        rev=1,
        params=params.model_dump(mode="json"),
        data=data,
        steps=(),
    )
    train, held_out = FakeImages(40), FakeImages(20)
    frozen = Bench(subject, train, held_out, predictor=FakePredictor(noise=0.5))
    result = evaluate(plan, FakeFineTuned(train, held_out) if op.trains else frozen)
    # Once for each interval, as results were stored when the numbers were pinned.
    values = [m.value for m in result.measurements for _ in m.intervals or (None,)]
    return {"": [float(len(values)), float(np.sum(values))]}


OF: Mapping[str, Callable[[str], Numbers]] = MappingProxyType(
    {
        "backbones": lambda name: of_module("backbones", name),
        "heads": lambda name: of_module("heads", name),
        "decoders": lambda name: of_module("decoders", name),
        "terms": of_term,
        "transforms": of_transform,
        "relations": of_relation,
        "masks": of_mask,
        "optimizers": of_optimizer,
        "schedules": of_schedule,
        "evaluations": of_evaluation,
    }
)
"""Family → the numbers of one of its ops; a dataset also needs a folder, see `of_dataset`."""


def of_draws() -> Numbers:
    """The generator below everything that is random."""
    draws, samples = Draws(seed=3), np.arange(5)
    uniform = draws.uniform("op", step=2, samples=samples, view=1, count=6)
    order = draws.order(epoch=4, count=31)
    return {"uniform": summary(uniform), "order": summary(order.astype(np.float64))}
