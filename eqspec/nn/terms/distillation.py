"""Self-distillation: a student's crops and hidden patches must say what a teacher says of them.

DINO (arXiv:2104.14294, equation 3), iBOT (arXiv:2111.07832, equations 2 and 3) and DINOv2
(arXiv:2304.07193, section 4), whose losses are the same numbers in another order of summation.
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
    """The student's log-softmax at its temperature over the last axis, at least float32."""
    return (at_least_fp32(logits) / temperature).log_softmax(dim=-1)


class SelfDistillation(nn.Module):
    """Mean cross-entropy over pairs of a teacher's and a student's view of the same sample.

    Args:
        targets: turns teacher logits into probabilities.
        student_temp: the student's temperature.
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
        """The term, a mean over this rank's samples.

        Args:
            student: logits `[V_i, B, K]` per stream, the teacher's views first and in its order.
            teacher: logits `[V, B, K]`; gets no gradient.
            teacher_temp: 0-dim.
        """
        targets_VBK = self.targets(teacher.detach(), temperature=teacher_temp, counted=None)
        everything_BK = targets_VBK.sum(dim=0)
        views = [view_BK for stream_VBK in student for view_BK in stream_VBK.unbind(0)]
        shared = 0 if self.same_view else min(len(views), targets_VBK.shape[0])
        total_B = targets_VBK.new_zeros(targets_VBK.shape[1])
        for v, view_BK in enumerate(views):
            # The cross-entropy is linear in the target: the teacher's views may be summed first.
            wanted_BK = everything_BK - targets_VBK[v] if v < shared else everything_BK
            said_BK = log_probabilities(view_BK, temperature=self.student_temp)
            total_B = total_B - (wanted_BK * said_BK).sum(dim=-1)
        return total_B.mean() / (len(views) * targets_VBK.shape[0] - shared)


class MaskedDistillation(nn.Module):
    """Cross-entropy on hidden tokens: mean per image, then over images and views.

    An image without hidden tokens counts as zero.

    Args:
        targets: turns teacher logits into probabilities.
        student_temp: the student's temperature.
        masked_only: whether only hidden tokens enter the teacher's statistics.
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
        """The term, a mean over this rank's samples.

        Args:
            student: logits `[V, B, N, K]`.
            teacher: logits `[V, B, N, K]` of the same tokens; gets no gradient.
            mask: true where a token was hidden from the student `[V, B, N]`.
            teacher_temp: 0-dim.
        """
        counted = mask if self.masked_only else None
        targets_VBNK = self.targets(teacher.detach(), temperature=teacher_temp, counted=counted)
        said_VBNK = log_probabilities(student, temperature=self.student_temp)
        cost_VBN = -(targets_VBNK * said_VBNK).sum(dim=-1)
        hidden_VBN = mask.to(cost_VBN.dtype)
        per_image_VB = (cost_VBN * hidden_VBN).sum(dim=-1) / hidden_VBN.sum(dim=-1).clamp(min=1)
        return per_image_VB.mean()
