"""Cross-entropy between teacher and student probabilities of patches masked in the student's input.

iBOT (arXiv:2111.07832), equation 2; DINOv2 (arXiv:2304.07193), section 4, on gathered patches.
A mean over the masked patches of each image; an image without any counts as zero.
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
ports = (Port("student"), Port("teacher"), Port("mask"))


class Params(OpParams):
    """Temperatures, and the centring that prevents collapse.

    Attributes:
        teacher_temp: temperature of the teacher's softmax.
        student_temp: temperature of the student's softmax; 0.1 in both papers.
        centring: ``centre`` subtracts a moving average of the teacher's logits; ``sinkhorn``
            balances the masked patches of the batch over the prototypes.
        centre: momentum of the moving average, which is used before its update; 1 keeps it at
            zero.
        centre_of: patches of the global batch whose mean updates the centre. (The released code of
            DINOv2 averages the means of the ranks; here all masked patches have the same weight.)
        iterations: iterations of Sinkhorn.
    """

    teacher_temp: Scheduled[Positive]
    student_temp: float = Field(default=0.1, gt=0)
    centring: Literal["centre", "sinkhorn"] = "centre"
    centre: float = Field(default=1.0, ge=0, le=1)
    centre_of: Literal["all-patches", "masked"] = "all-patches"
    iterations: int = Field(default=3, ge=1)


examples = MappingProxyType(
    {
        "": Example(
            {
                "student": stream("VBND", 2, 5, 7),
                "teacher": stream("VBND", 2, 5, 7),
                "mask": stream("VBN", 2, 5, dtype="bool"),
            },
            {"teacher_temp": 0.07, "centre": 0.9},
            frozen=("teacher",),
        ),
        "gathered": Example(
            {
                "student": stream("VBMD", 2, 3, 7),
                "teacher": stream("VBMD", 2, 3, 7),
                "mask": stream("VBM", 2, 3, dtype="bool"),
            },
            {"teacher_temp": 0.07, "centre": 0.9, "centre_of": "masked"},
            frozen=("teacher",),
        ),
        "sinkhorn": Example(
            {
                "student": stream("VBMD", 2, 3, 7),
                "teacher": stream("VBMD", 2, 3, 7),
                "mask": stream("VBM", 2, 3, dtype="bool"),
            },
            {"teacher_temp": 0.07, "centring": "sinkhorn"},
            frozen=("teacher",),
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """A scalar, from `[V, B, N, K]` or gathered `[V, B, M, K]` logits and a mask without K."""
    student = need_axes(streams, "student", "V", "B", "D")
    teacher, mask = streams["teacher"], streams["mask"]
    if (teacher.axes, teacher.sizes) != (student.axes, student.sizes):
        raise PortError("teacher", f"must have the shape of `student`, {student}, not {teacher}")
    tokens = student.without("D")
    if mask.dtype != "bool" or (mask.axes, mask.sizes) != (tokens.axes, tokens.sizes):
        raise PortError("mask", f"needs one truth value per token, {tokens}, but reads {mask}")
    gathered = "M" in student.axes
    if gathered and params.centring == "centre" and params.centre_of == "all-patches":
        raise PortError("teacher", f"has only masked patches, {teacher}: set `centre_of: masked`")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.terms.distillation`."""
    from eqspec.nn.terms.distillation import MaskedDistillation
    from eqspec.nn.terms.teacher_targets import teacher_targets

    targets = teacher_targets(
        params.centring,
        width=streams["teacher"].size("D"),
        momentum=params.centre,
        iterations=params.iterations,
        world=world,
    )
    return MaskedDistillation(
        targets=targets,
        student_temp=params.student_temp,
        masked_only=params.centring == "sinkhorn" or params.centre_of == "masked",
    )
