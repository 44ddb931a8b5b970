"""Tests of every term against a second implementation with loops over plain numbers."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
import torch

from tests.recorded import recorded_ops
from tests.reference.contrast_formulas import (  # noqa: F401 - found by name
    Array,
    contrastive,
    gram_difference,
    info_nce,
    log_softmax,
    neighbour_contrast,
    paired_contrast,
    token_contrast,
    unit,
)
from tests.term_examples import EXAMPLES, TEMPERATURE, build, call, tensors

BATCH = 6


def _softmax(logits: Array) -> list[float]:
    return [exp(v) for v in log_softmax(logits)]


def _cross_entropy(target: list[float], logits: Array) -> float:
    return -sum(t * s for t, s in zip(target, log_softmax(logits), strict=True))


def invariance(x: Array) -> float:
    differences = [(a - b) ** 2 for a, b in zip(x[0].ravel(), x[1].ravel(), strict=True)]
    return sum(differences) / len(differences)


def _covariance(a: Array, b: Array) -> float:
    middle_a, middle_b = sum(a) / len(a), sum(b) / len(b)
    products = ((p - middle_a) * (q - middle_b) for p, q in zip(a, b, strict=True))
    return sum(products) / (len(a) - 1)


def variance(x: Array) -> float:
    views = x if x.ndim == 3 else x[None]
    total = 0.0
    for view in views:
        hinges = [max(0.0, 1 - sqrt(_covariance(f, f) + 1e-4)) for f in view.T]
        total += 0.5 * sum(hinges) / len(hinges)
    return total


def covariance(x: Array) -> float:
    total = 0.0
    for view in x:
        features = list(view.T)
        for i, a in enumerate(features):
            total += sum(_covariance(a, b) ** 2 for j, b in enumerate(features) if i != j)
    return total / x.shape[-1]


def mse(x: Array, y: Array) -> float:
    unit = 0.07 if x.ndim == 5 else 1.0
    return sum((a - b) ** 2 for a, b in zip(x.ravel(), y.ravel(), strict=True)) / x.size / unit


def masked_patch_mse(prediction: Array, images: Array, keep: Array) -> float:
    errors = []
    for sample in range(BATCH):
        for patch in set(range(16)) - set(keep[0, sample].tolist()):
            top, left = 2 * (patch // 4), 2 * (patch % 4)
            pixels = [
                images[0, sample, c, top + r, left + k]
                for r in range(2)
                for k in range(2)
                for c in range(3)
            ]
            middle = sum(pixels) / 12
            spread = sqrt(sum((p - middle) ** 2 for p in pixels) / 11 + 1e-6)
            wanted = [(p - middle) / spread for p in pixels]
            reported = prediction[0, sample, patch]
            errors.append(sum((a - b) ** 2 for a, b in zip(reported, wanted, strict=True)) / 12)
    return sum(errors) / len(errors)


def smooth_l1(x: Array, y: Array, valid: Array | None = None) -> float:
    samples = []
    for b in range(BATCH):
        costs = []
        for location in np.ndindex(4, 6):
            reported, target = x[0, b][location], y[0, b][location]
            if valid is not None and not valid[0, b][location]:
                continue
            middle = sum(target) / 5
            spread = sqrt(sum((t - middle) ** 2 for t in target) / 5 + 1e-5)
            errors = [abs(a - (t - middle) / spread) for a, t in zip(reported, target, strict=True)]
            costs.append(sum(0.5 * e**2 if e < 1 else e - 0.5 for e in errors) / 5)
        samples.append(sum(costs) / max(len(costs), 1))
    return sum(samples) / BATCH


def _sinkhorn(logits: Array) -> Array:
    """As SwAV's appendix writes it: exponentiate, then balance rows and columns three times."""
    q = np.exp(logits / TEMPERATURE).T
    for _ in range(3):
        q = q / q.sum(axis=1, keepdims=True) / q.shape[0]
        q = q / q.sum(axis=0, keepdims=True) / q.shape[1]
    return (q * q.shape[1]).T


def self_distillation(student: list[Array], teacher: Array, *, sinkhorn: bool) -> float:
    crops = [view for views in student for view in views]
    tokens = teacher.reshape(-1, 7)
    targets = _sinkhorn(tokens) if sinkhorn else [_softmax(t / TEMPERATURE) for t in tokens]
    targets = np.array(targets).reshape(teacher.shape)
    costs = [
        sum(_cross_entropy(list(wanted[b]), reported[b] / 0.1) for b in range(BATCH)) / BATCH
        for q, wanted in enumerate(targets)
        for v, reported in enumerate(crops)
        if q != v or sinkhorn  # the example with Sinkhorn also takes `pairs: all`
    ]
    return sum(costs) / len(costs)


def masked_distillation(student: Array, teacher: Array, mask: Array, *, sinkhorn: bool) -> float:
    targets = np.zeros_like(teacher)
    if sinkhorn:
        targets[mask] = _sinkhorn(teacher[mask])
    total = 0.0
    for location in np.ndindex(mask.shape[:2]):
        hidden = [i for i, is_hidden in enumerate(mask[location]) if is_hidden]
        for i in hidden:
            target = (
                targets[location][i] if sinkhorn else _softmax(teacher[location][i] / TEMPERATURE)
            )
            total += _cross_entropy(list(target), student[location][i] / 0.1) / len(hidden)
    return total / (mask.shape[0] * mask.shape[1])


def koleo(x: Array, *, group: int) -> float:
    total = 0.0
    for view in x:
        for start in range(0, BATCH, group):
            units = [unit(v) for v in view[start : start + group]]
            for i, u in enumerate(units):
                nearest = min((sum((u - w + 1e-8) ** 2) for j, w in enumerate(units) if j != i))
                total -= log(sqrt(nearest) + 1e-8)
    return total / BATCH


def parameter_difference(predictions: list[Array], parameters: Array) -> float:
    first, second = parameters
    errors = [
        (np.tanh(reported) - wanted) ** 2
        for order, wanted in zip(predictions, (first - second, second - first), strict=True)
        for reported, wanted in zip(order.ravel(), wanted.ravel(), strict=True)
    ]
    return sum(errors) / len(errors)


def crop_difference(predictions: list[Array], crop: Array, flip: Array) -> float:
    total = 0.0
    for order, (one, other) in zip(predictions, ((0, 1), (1, 0)), strict=True):
        for reported, a, b, mirrored in zip(
            order, crop[one], crop[other], flip[one, :, 0], strict=True
        ):
            right = (a[0] + a[2] / 2) - (b[0] + b[2] / 2)
            down = (a[1] + a[3] / 2) - (b[1] + b[3] / 2)
            # A mirrored view shows the box that lies to the right on its left.
            seen = (down, right * (1 - 2 * mirrored), a[3] - b[3], a[2] - b[2])
            total += sum((np.tanh(s) - w) ** 2 for s, w in zip(reported, seen, strict=True))
    return total / (2 * BATCH * 4)


def view_classification(x: Array) -> float:
    costs = [-log_softmax(logits)[view] for view, samples in enumerate(x) for logits in samples]
    return sum(costs) / len(costs)


def classification(x: Array, labels: Array) -> float:
    classifiers = x.reshape(BATCH, -1, x.shape[-1]).transpose(1, 0, 2)
    return sum(
        -log_softmax(logits)[label] / BATCH
        for one in classifiers
        for logits, label in zip(one, labels, strict=True)
    )


def dense_classification(x: Array, mask: Array) -> float:
    side, size = 2, mask.shape[1]
    total = 0.0
    for logits, classes in zip(x, mask, strict=True):
        patches = logits.reshape(side, side, -1)
        costs = [
            -log_softmax(_between(patches, row, column, scale=side / size))[classes[row, column]]
            for row in range(size)
            for column in range(size)
            if classes[row, column] != -1
        ]
        total += sum(costs) / max(1, len(costs)) / BATCH
    return total


def _between(patches: Array, row: int, column: int, *, scale: float) -> Array:
    """The value at the centre of a pixel, linear between the centres of patches."""
    last = len(patches) - 1
    value = np.zeros(patches.shape[-1])
    for i in range(len(patches)):
        for j in range(len(patches)):
            down = min(max((row + 0.5) * scale - 0.5, 0), last)
            right = min(max((column + 0.5) * scale - 0.5, 0), last)
            value += max(0, 1 - abs(down - i)) * max(0, 1 - abs(right - j)) * patches[i, j]
    return value


def cross_correlation(x: Array) -> float:
    normed = []
    for view in x:
        middle = sum(view) / BATCH
        normed.append((view - middle) / np.sqrt(sum((view - middle) ** 2) / BATCH + 1e-5))
    total = 0.0
    for i in range(x.shape[-1]):
        for j in range(x.shape[-1]):
            c = sum(normed[0][:, i] * normed[1][:, j]) / BATCH
            total += (c - 1) ** 2 if i == j else 0.0051 * c**2
    return total


def cross_view_cosine(predictions: Array, targets: Array) -> float:
    total = 0.0
    for v in range(len(predictions)):
        for w in range(len(targets)):
            pairs = zip(predictions[v], targets[w], strict=True)
            cosines = [sum(unit(p) * unit(t)) for p, t in pairs]
            total += 0 if v == w else sum(2 - 2 * c for c in cosines) / len(cosines)
    return total


def rewritten(key: tuple[str, str], streams: dict[str, Any]) -> float:
    name, variant = key
    sinkhorn = {"sinkhorn": variant == "sinkhorn"}
    options = {
        "self_distillation": sinkhorn,
        "masked_distillation": sinkhorn,
        "koleo": {"group": 2 if variant == "groups" else BATCH},
        "gram_difference": {"group": 2 if variant == "groups" else BATCH},
        "token_contrast": {"group": 2 if variant == "groups" else BATCH},
    }
    if name == "self_distillation":
        crops = [streams["student.0"], streams["student.1"]]
        streams = {"student": crops, "teacher": streams["teacher"]}
    if name == "neighbour_contrast":
        streams = {"x": [streams["x.0"], streams["x.1"]]}
    if "predictions.0" in streams:
        orders = [streams.pop("predictions.0"), streams.pop("predictions.1")]
        streams = {"predictions": orders, **streams}
    return globals()[name](**streams, **options.get(name, {}))


def test_every_recorded_term_has_a_formula() -> None:
    assert [name for name in recorded_ops("terms") if name not in globals()] == []


@pytest.mark.parametrize("key", [key for key in EXAMPLES if key[0] in globals()], ids=" ".join)
def test_the_term_is_its_formula(key: tuple[str, str]) -> None:
    streams = tensors(key, batch=BATCH, dtype=torch.float64, seed=3)
    plain = {name: stream.numpy() for name, stream in streams.items()}
    value = call(key, build(key).double(), streams, schedules=torch.float64)
    assert value.item() == pytest.approx(rewritten(key, plain), rel=1e-12)
