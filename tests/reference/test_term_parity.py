"""Tests of every term against numbers from the authors' own loss.

Measured with the released modules in float64, one process; printed to about ten digits. Each was
also run beside ours on these inputs, gradients of everything learned included; a test says how far
apart they were at most. Everything holds in float32 too, to a millionth.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eqspec.nn.terms.squared_error import patchify
from eqspec.ops.example import stream
from tests.reference.precision import PRINTED, Precision


@pytest.mark.parametrize(
    ("scale", "total", "parts", "gradient"),
    [
        (1.0, 8.8275395249, (0.0428238436, 0.3090128193, 0.0316229536), 2.2318245164),
        (0.5, 16.6293018381, (0.0107059609, 0.6543870553, 0.0019764346), 1.9532235947),
    ],
)
def test_vicreg(at: Precision, scale: float, total: float, parts: tuple, gradient: float) -> None:
    """The released loss beside it: the same value, gradients within 2e-16."""
    x, y = (scale * at.wave(8, 6, phase) for phase in (0.0, 0.3))
    x.requires_grad_()
    both = torch.stack([x, y])
    terms = [at.vector_term(name, both) for name in ("invariance", "variance", "covariance")]
    loss = 25 * terms[0] + 25 * terms[1] + terms[2]
    loss.backward()
    assert [t.item() for t in terms] == [at.near(p) for p in parts]
    assert loss.item() == at.near(total, within=1e-9)
    assert x.grad.norm().item() == at.near(gradient, within=1e-9)


def test_sie(at: Precision) -> None:
    """The released loss with its own hypernetwork beside it: within 2e-15, gradients 6e-17."""
    x, y = at.wave(8, 8, 0.0), at.wave(8, 8, 0.3)
    both = torch.stack([x, y])
    action = at.wave(8, 4, 0.7)
    action = action / action.norm(dim=1, keepdim=True)
    maps = (action @ (0.5 * at.wave(16, 4, 0.5)).T).view(8, 4, 4)
    predicted = torch.einsum("bij,bj->bi", maps, x[:, 4:])
    invariance = at.vector_term("invariance", both[..., :4])
    equivariance = at.distances(predicted, y[:, 4:])
    variance = at.vector_term("variance", both)
    predicted_variance = at.vector_term("variance", predicted)
    covariance = at.vector_term("covariance", both)
    assert invariance.item() == at.near(0.0424908149)
    assert equivariance.item() == at.near(0.7892256479)
    assert variance.item() == at.near(0.3024348270)
    assert predicted_variance.item() == at.near(0.1901659892)
    assert covariance.item() == at.near(0.0319259892)
    without = 10 * invariance + 4.5 * equivariance + 10 * variance + covariance
    assert without.item() == at.near(7.0326978234, within=1e-9)
    assert (without + 10 * predicted_variance).item() == at.near(8.9343577155, within=1e-9)


@pytest.mark.parametrize(
    ("temperature", "scale", "value"),
    [
        (0.1, "mean-over-2n", 0.0531580635),
        (0.1, "tf", 0.1063161270),
        (0.5, "mean-over-2n", 0.8919732772),
        (0.5, "tf", 1.7839465545),
    ],
)
def test_simclr(at: Precision, temperature: float, scale: str, value: float) -> None:
    """The released function beside `tf`, its TensorFlow calls replaced by torch's: within 1e-16,
    gradients 3e-16.
    """
    both = torch.stack([at.wave(4, 5, 0.0), at.wave(4, 5, 0.3)])
    term = at.vector_term("info_nce", both, temperature=temperature, scale=scale)
    assert term.item() == at.near(value)


@pytest.mark.parametrize(
    ("temperature", "parts", "total"),
    [
        (1.0, (1.7585595004, 1.7280445819), 3.4866040823),
        (0.2, (0.0673184158, 0.0616069493), 0.1289253651),
    ],
)
def test_moco_v3(at: Precision, temperature: float, parts: tuple, total: float) -> None:
    """The released loss beside it: within 5e-16, gradients 5e-17; neither reaches the keys."""
    q1, k2, q2, k1 = (at.wave(4, 5, phase) for phase in (0.0, 0.3, 0.6, 0.9))
    kind = stream("VBD", 2, 5)
    term = at.build("contrastive", {"queries": kind, "keys": kind}, temperature=temperature)
    value = term(queries=torch.stack([q1, q2]), keys=torch.stack([k1, k2]))
    assert value.item() == at.near(total)
    # With the first pair in both places, the sum is twice the first part.
    for query, key, part in ((q1, k2, parts[0]), (q2, k1, parts[1])):
        value = term(queries=torch.stack([query, query]), keys=torch.stack([key, key]))
        assert value.item() == at.near(2 * part, within=2 * PRINTED)


def test_barlow_twins(at: Precision) -> None:
    """The released loss beside it, in one process: within 5e-17, gradients 3e-16."""
    both = torch.stack([at.wave(8, 6, 0.0), at.wave(8, 6, 0.3)])
    on = at.vector_term("cross_correlation", both, off_diagonal=0.0)
    everything = at.vector_term("cross_correlation", both, off_diagonal=1.0)
    assert on.item() == at.near(0.0348263384)
    assert (everything - on).item() == at.near(1.8512005054)
    assert at.vector_term("cross_correlation", both, off_diagonal=0.0051).item() == at.near(
        0.0442674610
    )


def class_term(at: Precision, **params: object) -> torch.nn.Module:
    streams = {name: stream("VBD", 2, 7) for name in ("student.0", "student.1", "teacher")}
    return at.build("self_distillation", streams, teacher_temp=0.07, centre=0.9, **params)


def class_logits(at: Precision) -> dict[str, object]:
    crops = at.wave(8, 7, 0.0).view(4, 2, 7)
    return {"student": (crops[:2], crops[2:]), "teacher": at.wave(4, 7, 0.3).view(2, 2, 7)}


def test_dino(at: Precision) -> None:
    """The released loss beside it, two calls long: the same values and centres, gradients 5e-16."""
    cold = class_term(at)(**class_logits(at), teacher_temp=at.number(0.04))
    assert cold.item() == at.near(9.6667074338)
    term, temperature = class_term(at), at.number(0.07)
    assert term(**class_logits(at), teacher_temp=temperature).item() == at.near(9.3942535461)
    moved = [0.0862171731, 0.0576200157, 0.0025147967]
    assert term.targets.centre[:3].tolist() == [at.near(c) for c in moved]
    assert term(**class_logits(at), teacher_temp=temperature).item() == at.near(10.3907699894)


def test_dinov2_sums_the_same_pairs_in_another_order(at: Precision) -> None:
    """The released loss with the arithmetic around it: the same value, gradients within 2e-16."""
    local, swapped = 6.2045249692, 3.1897285769
    term = class_term(at)(**class_logits(at), teacher_temp=at.number(0.07))
    assert term.item() == at.near(local + swapped, within=2 * PRINTED)


def patch_term(at: Precision, **params: object) -> torch.nn.Module:
    logits, mask = stream("VBND", 2, 5, 7), stream("VBN", 2, 5, dtype="bool")
    streams = {"student": logits, "teacher": logits, "mask": mask}
    return at.build("masked_distillation", streams, teacher_temp=0.07, centre=0.9, **params)


def patch_logits(at: Precision) -> dict[str, Tensor]:
    rows = ("10100", "00000", "01110", "00001")
    mask = torch.tensor([[digit == "1" for digit in row] for row in rows])
    student, teacher = (at.wave(4, 35, phase).view(2, 2, 5, 7) for phase in (0.2, 0.5))
    return {"student": student, "teacher": teacher, "mask": mask.view(2, 2, 5)}


def test_ibot(at: Precision) -> None:
    """The released loss beside both terms, two calls long: the same values, gradients within 5e-16,
    centres 7e-18.
    """
    cold = patch_term(at)(**patch_logits(at), teacher_temp=at.number(0.04))
    assert cold.item() == at.near(0.5820083770)
    assert 9.6667074338 + cold.item() == at.near(10.2487158108, within=2 * PRINTED)
    term = patch_term(at)
    warm = term(**patch_logits(at), teacher_temp=at.number(0.07))
    assert warm.item() == at.near(0.7872864373)
    assert 9.3942535461 + warm.item() == at.near(10.1815399834, within=2 * PRINTED)
    moved = [0.0033508941, 0.0047378667, -0.0017201485]
    assert term.targets.centre[:3].tolist() == [at.near(c) for c in moved]


def test_dinov2_patches(at: Precision) -> None:
    """The released loss beside it, with float64 mask weights: within 2e-16, the same gradients,
    centres 2e-17. (It prints .78728644, since its own weights are float32.)
    """
    term = patch_term(at, centre_of="masked")
    value = term(**patch_logits(at), teacher_temp=at.number(0.07))
    assert value.item() == at.near(0.7872864373)
    moved = [-0.0192996495, 0.0204518612, 0.0457078568]
    assert term.targets.centre[:3].tolist() == [at.near(c) for c in moved]


def test_sinkhorn(at: Precision) -> None:
    """Both released functions beside it: within 6e-8, since they work in float32 whatever comes in;
    within 2e-16 with that conversion left out.
    """
    streams = {name: stream("VBD", 2, 7) for name in ("student.0", "teacher")}
    term = at.build("self_distillation", streams, teacher_temp=0.07, centring="sinkhorn")
    temperature = at.number(0.07)
    targets = term.targets(at.wave(4, 7, 0.3), temperature=temperature, counted=None)
    released = [0.0004298998, 0.0126995472, 0.4238507748, 0.4320917130]
    assert targets[0, :4].tolist() == [at.near(p, within=1e-7) for p in released]
    assert targets[:, 0].sum().item() == at.near(0.6555725336, within=1e-7)
    in_float64 = [0.0004298999440, 0.0126995469301, 0.4238507508169, 0.4320917222684]
    assert targets[0, :4].tolist() == [at.near(p) for p in in_float64]
    assert targets[:, 0].sum().item() == at.near(0.6555726183378)
    assert targets.sum(dim=1).tolist() == [at.near(1.0)] * 4


def test_koleo(at: Precision) -> None:
    """The released loss beside it, of one crop and summed over two: the same, gradients too."""
    assert at.vector_term("koleo", at.wave(8, 6, 0.0)).item() == at.near(-0.0865913322)
    crops = at.wave(16, 6, 0.4).view(2, 8, 6)
    assert at.vector_term("koleo", crops).item() == at.near(-0.2405403820)


@pytest.mark.parametrize(("norm_pix", "value"), [(False, 0.9232789676), (True, 1.4160457560)])
def test_mae(at: Precision, norm_pix: bool, value: float) -> None:
    """The released loss beside it: the same value, gradients within 2e-17.

    So is the whole released model, encoder to loss, with the same weights, images and noise (2
    blocks of width 32, 2 of width 16 in the decoder): pixels and loss within 5e-16, encoder
    gradients within 6e-18.
    """
    streams = {
        "prediction": stream("VBND", 1, 16, 12, grid=(4, 4)),
        "images": stream("VBCHW", 1, 3, 8, 8),
        "keep": stream("VBM", 1, 8, dtype="int", grid=(4, 4)),
    }
    term = at.build("masked_patch_mse", streams, norm_pix=norm_pix)
    keep = torch.tensor([i for i in range(16) if i % 4 not in {0, 1}]).flip(0)
    reached = term(
        prediction=at.wave(16, 12, 0.1).view(1, 1, 16, 12),
        images=at.wave(3, 64, 0.0).view(1, 1, 3, 8, 8),
        keep=keep.view(1, 1, 8),
    )
    assert reached.item() == at.near(value)


def test_mae_reads_a_patch_by_row_column_channel(at: Precision) -> None:
    patches = patchify(at.wave(3, 64, 0.0).view(1, 1, 3, 8, 8), grid=(4, 4))
    published = [0.8956986857, 0.7965654722, -0.1872946635]
    published += [0.9958808445, 0.1805962679, -0.9631309306]
    assert patches[0, 0, 1, :6].tolist() == [at.near(p) for p in published]


def test_ijepa(at: Precision) -> None:
    """The released expression beside it: the same value and gradients.

    So are the released encoder and predictor, with the same weights and blocks: within 2e-15 and
    4e-16.
    """
    kind = stream("VBTPD", 1, 4, 6, 5)
    term = at.build("smooth_l1", {"x": kind, "y": kind}, target_norm="layer")
    x, y = at.wave(16, 30, 0.6).view(1, 4, 4, 6, 5), 2 * at.wave(16, 30, 0.2).view(1, 4, 4, 6, 5)
    assert term(x=x, y=y).item() == at.near(0.1551457750)


def test_reconstruction_of_two_path_points(at: Precision) -> None:
    prediction = at.wave(3, 64, 0.1).abs().view(1, 3, 8, 8)
    targets = torch.stack([at.wave(3, 64, p).abs().view(1, 3, 8, 8) for p in (0.4, 0.7)])
    built = prediction.expand_as(targets)
    assert at.distances(built, targets).item() == at.near(0.0822863226)
    per_image = at.distances(built, targets, reduction="sum-per-image")
    assert per_image.item() == at.near(192 * 0.0822863226, within=192 * PRINTED)
    unit = at.distances(built, targets, reduction="mean-over-variance", variance=0.05)
    assert unit.item() == at.near(20 * 0.0822863226, within=20 * PRINTED)
