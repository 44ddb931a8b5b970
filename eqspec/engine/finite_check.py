"""Checks that losses, gradients and weights are finite, before an update uses them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from torch import Tensor

from eqspec.errors import EqspecError


class NotFinite(EqspecError):
    """A loss, a gradient or a weight became infinite or NaN.

    Attributes:
        step: the step that failed. The weights are those of the step before, unless the message
            names a weight.
    """

    def __init__(self, what: str, *, step: int) -> None:
        super().__init__(
            f"{what} at step {step}",
            help="try a smaller learning rate, a smaller lambda or a longer warmup",
        )
        self.step = step


def need_finite_losses(losses: Mapping[str, float], *, step: int) -> None:
    """Check that every loss is finite; all ranks have the same values.

    Args:
        losses: the terms by name, and their weighted sum as ``loss``.

    Raises:
        NotFinite: with the names of the terms.
    """
    terms = [n for n, value in losses.items() if n != "loss" and not math.isfinite(value)]
    if terms:
        *most, last = (f"`{name}`" for name in terms)
        which = f"terms {', '.join(most)} and {last} are" if most else f"term {last} is"
        values = " or ".join(dict.fromkeys(str(losses[name]) for name in terms))
        raise NotFinite(f"the {which} {values}", step=step)
    if not math.isfinite(losses["loss"]):
        what = f"the loss is {losses['loss']}, although each of its terms is finite,"
        raise NotFinite(what, step=step)


def origin_of(pulls: Mapping[str, float], gradients: Iterable[tuple[str, Tensor]]) -> str:
    """Return the origin of a gradient that is not finite: a term, else the first parameter.

    Args:
        pulls: norm of each term's gradient at the cut.
        gradients: of the parameters, by name.
    """
    for term, norm in pulls.items():
        if not math.isfinite(norm):
            return f"the gradient of the term `{term}` is {norm}"
    name = next((n for n, g in gradients if not g.isfinite().all()), None)
    return "the gradient's norm overflows" if name is None else f"the gradient of `{name}` is nan"


def need_finite_weights(weights: Mapping[str, Tensor], *, step: int) -> None:
    """Check that every weight is finite, before it is saved.

    Raises:
        NotFinite: with the name of the first other one.
    """
    for name, weight in weights.items():
        if weight.is_floating_point() and not weight.isfinite().all():
            raise NotFinite(f"`{name}` is not finite", step=step)
