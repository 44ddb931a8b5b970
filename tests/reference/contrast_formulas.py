"""Second implementations of terms that compare samples with each other, with loops over numbers."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np

Array = np.ndarray


def unit(vector: Array) -> Array:
    return vector / sqrt(sum(v * v for v in vector))


def log_softmax(logits: Array) -> list[float]:
    top = max(logits)
    total = top + log(sum(exp(v - top) for v in logits))
    return [v - total for v in logits]


def info_nce(x: Array) -> float:
    samples = x.shape[1]
    units = [unit(v) for v in x.reshape(-1, x.shape[-1])]
    total = 0.0
    for i, u in enumerate(units):
        others = [j for j in range(2 * samples) if j != i]
        logits = np.array([sum(u * units[j]) / 0.1 for j in others])
        total -= log_softmax(logits)[others.index((i + samples) % (2 * samples))]
    return total / (2 * samples)


def paired_contrast(predictions: list[Array], targets: Array) -> float:
    rows = [unit(v) for v in (*np.concatenate(predictions), *targets.reshape(-1, 6))]
    total, half = 0.0, len(rows) // 2
    for i, u in enumerate(rows):
        others = [j for j in range(len(rows)) if j != i]
        logits = np.array([sum(u * rows[j]) / 0.2 for j in others])
        total -= log_softmax(logits)[others.index((i + half) % len(rows))]
    return total / len(rows)


def contrastive(queries: Array, keys: Array) -> float:
    samples = queries.shape[1]
    total = 0.0
    for v, w in ((0, 1), (1, 0)):
        for i in range(samples):
            query = unit(queries[v, i])
            logits = np.array([sum(query * unit(key)) / 0.2 for key in keys[w]])
            total -= 2 * 0.2 * log_softmax(logits)[i] / samples
    return total


def neighbour_contrast(x: list[Array]) -> float:
    """Sample 2i finds sample 2i + 1 of the same stream among all others of all streams."""
    rows = [unit(v) for stream in x for v in stream]
    total = 0.0
    for i, u in enumerate(rows):
        others = [j for j in range(len(rows)) if j != i]
        logits = np.array([sum(u * rows[j]) / 0.2 for j in others])
        total -= log_softmax(logits)[others.index(i + 1 if i % 2 == 0 else i - 1)]
    return total / len(rows)


def gram_difference(x: Array, y: Array, *, group: int) -> float:
    total, width = 0.0, x.shape[-1]
    before, after = ([unit(v) for v in z.reshape(-1, width)] for z in (x, y))
    for i in range(len(before)):
        first = i // group * group
        for j in range(first, first + group):
            if j != i:
                total += 2 * (sum(before[i] * before[j]) - sum(after[i] * after[j])) ** 2
    return total / len(before)


def token_contrast(x: Array, *, group: int) -> float:
    """The second view is mirrored; the third, in addition, turned counter-clockwise."""
    before = ([1, 0, 3, 2], [0, 2, 1, 3])  # of each place of a view, the place in the first view
    costs: list[float] = []
    for places, view in zip(before, x[1:], strict=True):
        for sample, tokens in enumerate(view):
            first = sample // group * group
            others = [i for i in range(first, first + group) if i != sample]
            for at, token in enumerate(tokens):
                found = [x[0, sample, places[at]], *(v for i in others for v in x[0, i])]
                logits = np.array([sum(unit(token) * unit(v)) / 0.4 for v in found])
                costs.append(-log_softmax(logits)[0])
    return sum(costs) / len(costs)
