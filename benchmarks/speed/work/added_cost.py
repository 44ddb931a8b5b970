"""The cost of reconstruction: training steps of a method with it and without, on one batch.

The batch is read once, so that a slow disk does not hide the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.training import WARM_UP, Size, training

BASE, OURS = "base", "with reconstruction"

ABOUT = (
    "Training steps on one batch that is read once: views, encoder, loss, gradient, optimizer. The "
    "bar is 1.5 times the added share of operations, plus two points. On a CPU neither is compiled."
)


@dataclass(frozen=True, slots=True)
class Method:
    """A training with and without reconstruction.

    Attributes:
        spec: of the base at a size, without machine and equivariance.
        equivariance: YAML on one line.
        size: of a turn.
    """

    spec: Callable[[Setting, Size], str]
    equivariance: str
    size: Callable[[Setting], Size]


def added_cost(title: str, method: Method, *, most: float | None = None) -> Case:
    """Return the case of a method.

    Args:
        most: bar of the ratio, instead of the one that follows from the operations.
    """

    def comparisons(facts: Mapping[str, Facts]) -> tuple[Comparison, ...]:
        ours, base = (facts[name].get("operations") for name in (OURS, BASE))
        assert ours is not None, "counted by the training"
        assert base is not None, "counted by the training"
        share = ours / base - 1
        return (Comparison(OURS, BASE, at_most=most or 1 + 1.5 * share + 0.02),)

    return Case(
        title=title,
        about=ABOUT,
        unit="images",
        contestants=(
            Contestant(BASE, lambda s: _work(method, s, equivariance="none"), warm_up=WARM_UP),
            Contestant(
                OURS,
                lambda s: _work(method, s, equivariance=method.equivariance),
                warm_up=WARM_UP,
            ),
        ),
        comparisons=comparisons,
        amount=lambda setting: method.size(setting).batch * method.size(setting).steps,
        devices=("cpu", "cuda"),
    )


def _work(method: Method, setting: Setting, *, equivariance: str) -> Work:
    size = method.size(setting)
    machine = "" if setting.device == "cuda" else 'machine: {compile: "off"}\n'
    text = f"{method.spec(setting, size)}equivariance: {equivariance}\n{machine}"
    name = "base" if equivariance == "none" else "ours"
    return training(text, name=name, size=size, constant=True)(setting)
