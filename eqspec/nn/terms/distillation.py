"""Self-distillation: the student predicts the teacher's outputs from other crops or masked patches.

DINO (arXiv:2104.14294, equation 3), iBOT (arXiv:2111.07832, equations 2 and 3) and DINOv2
(arXiv:2304.07193, section 4); their losses differ only in the order of summation.
Legend: V views, B samples, N tokens, K prototypes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.terms.teacher_targets import MovingCentre, Sinkhorn


def log_probabilities(logits: Tensor, *, temperature: float) -> Tensor:
    """Return the log-softmax of logits at a temperature over the last axis, at least float32."""
    return (at_least_fp32(logits) / temperature).log_softmax(dim=-1)


class SelfDistillation(nn.Module):
    """Mean cross-entropy over pairs of a teacher's and a student's view of the same sample.

    Args:
        targets: module that converts teacher logits to probabilities.
        student_temp: temperature of the student.
        same_view: whether a view is also paired with itself.
    """

    def __init__(
        self, *, targets: MovingCentre | Sinkhorn, student_temp: float, same_view: bool
    ) -> None:
        super().__init__()
        self.targets = targets
        self.student_temp = student_temp
        self.same_view = same_view

    def forward(
        self, student: tuple[Tensor, ...], teacher: Tensor, *, teacher_temp: Tensor
    ) -> Tensor:
        """Return the term, a mean over this rank's samples.

        Args:
            student: logits `[V_i, B, K]` per stream, the teacher's views first and in its order.
            teacher: logits `[V, B, K]`; gets no gradient.
            teacher_temp: temperature of the teacher, 0-dim.
        """
        targets_VBK = self.targets(teacher.detach(), temperature=teacher_temp, counted=None)
        summed_BK = targets_VBK.sum(dim=0)
        views = [view_BK for stream_VBK in student for view_BK in stream_VBK.unbind(0)]
        shared = 0 if self.same_view else min(len(views), targets_VBK.shape[0])
        total_B = targets_VBK.new_zeros(targets_VBK.shape[1])
        for v, view_BK in enumerate(views):
            # The cross-entropy is linear in the target, so the teacher's views are summed first.
            target_BK = summed_BK - targets_VBK[v] if v < shared else summed_BK
            log_p_BK = log_probabilities(view_BK, temperature=self.student_temp)
            total_B = total_B - (target_BK * log_p_BK).sum(dim=-1)
        return total_B.mean() / (len(views) * targets_VBK.shape[0] - shared)


class MaskedDistillation(nn.Module):
    """Cross-entropy on masked tokens: mean per image, then over images and views.

    An image without masked tokens counts as zero.

    Args:
        targets: module that converts teacher logits to probabilities.
        student_temp: temperature of the student.
        masked_only: whether only masked tokens enter the teacher's statistics.
    """

    def __init__(
        self, *, targets: MovingCentre | Sinkhorn, student_temp: float, masked_only: bool
    ) -> None:
        super().__init__()
        self.targets = targets
        self.student_temp = student_temp
        self.masked_only = masked_only

    def forward(
        self, student: Tensor, teacher: Tensor, mask: Tensor, *, teacher_temp: Tensor
    ) -> Tensor:
        """Return the term, a mean over this rank's samples.

        Args:
            student: logits `[V, B, N, K]`.
            teacher: logits `[V, B, N, K]` of the same tokens; gets no gradient.
            mask: `[V, B, N]`, true where a token was masked in the student's input.
            teacher_temp: temperature of the teacher, 0-dim.
        """
        counted = mask if self.masked_only else None
        targets_VBNK = self.targets(teacher.detach(), temperature=teacher_temp, counted=counted)
        log_p_VBNK = log_probabilities(student, temperature=self.student_temp)
        cost_VBN = -(targets_VBNK * log_p_VBNK).sum(dim=-1)
        masked_VBN = mask.to(cost_VBN.dtype)
        per_image_VB = (cost_VBN * masked_VBN).sum(dim=-1) / masked_VBN.sum(dim=-1).clamp(min=1)
        return per_image_VB.mean()
