"""Cross-entropy between the class probabilities of teacher and student for different crops.

DINO (arXiv:2104.14294), equation 3: the mean over pairs of views. The class loss of iBOT is the
same; that of DINOv2 differs only in the order of summation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import (
    SCALAR,
    OpParams,
    Port,
    PortError,
    Scheduled,
    Streams,
    StreamType,
    need_axes,
)
from eqspec.spec.numbers import Positive

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("student", many=True), Port("teacher"))


class Params(OpParams):
    """Temperatures, pairs of views, and the centring that prevents collapse.

    Attributes:
        teacher_temp: temperature of the teacher's softmax.
        student_temp: temperature of the student's softmax; 0.1 in all three papers.
        pairs: ``other-view`` omits the pairs of a view with itself.
        centring: ``centre`` subtracts a moving average of the teacher's logits; ``sinkhorn``
            balances the batch over the prototypes.
        centre: momentum of the moving average, which is used before its update; 1 keeps it at
            zero.
        iterations: iterations of Sinkhorn.
    """

    teacher_temp: Scheduled[Positive]
    student_temp: float = Field(default=0.1, gt=0)
    pairs: Literal["other-view", "all"] = "other-view"
    centring: Literal["centre", "sinkhorn"] = "centre"
    centre: float = Field(default=1.0, ge=0, le=1)
    iterations: int = Field(default=3, ge=1)


examples = MappingProxyType(
    {
        "": Example(
            {
                "student.0": stream("VBD", 2, 7),
                "student.1": stream("VBD", 3, 7),
                "teacher": stream("VBD", 2, 7),
            },
            {"teacher_temp": 0.07, "centre": 0.9},
            frozen=("teacher",),
        ),
        "sinkhorn": Example(
            {
                "student.0": stream("VBD", 2, 7),
                "student.1": stream("VBD", 3, 7),
                "teacher": stream("VBD", 2, 7),
            },
            {"teacher_temp": 0.07, "centring": "sinkhorn", "pairs": "all"},
            frozen=("teacher",),
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """A scalar, from student streams `[V_i, B, K]` (the teacher's views first) and `[V, B, K]`."""
    teacher = need_axes(streams, "teacher", "V", "B", "D")
    views = 0
    for port in (port for port in streams if port.startswith("student.")):
        student = need_axes(streams, port, "V", "B", "D")
        if student.axes != teacher.axes or student.size("D") != teacher.size("D"):
            raise PortError(port, f"must have the prototypes of {teacher}, but reads {student}")
        views += student.size("V")
    if views < teacher.size("V"):
        raise PortError("student", f"needs the teacher's {teacher.size('V')} views, has {views}")
    if views == 1 and params.pairs == "other-view":
        raise PortError("student", "needs a second view to form pairs of different views")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.terms.distillation`."""
    from eqspec.nn.terms.distillation import SelfDistillation
    from eqspec.nn.terms.teacher_targets import teacher_targets

    targets = teacher_targets(
        params.centring,
        width=streams["teacher"].size("D"),
        momentum=params.centre,
        iterations=params.iterations,
        world=world,
    )
    return SelfDistillation(
        targets=targets, student_temp=params.student_temp, same_view=params.pairs == "all"
    )
