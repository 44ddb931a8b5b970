"""Every term against the numbers that its authors' own loss gives for the same inputs.

Measured with the released modules in float64, one process; printed to about ten digits.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eqspec.nn.world import World
from eqspec.ops.find import find_op
from tests.reference.waves import wave
from tests.term_examples import stream

PRINTED = 6e-11
"""Half a unit in the tenth decimal, and a little rounding."""


def near(value: float) -> object:
    return pytest.approx(value, abs=PRINTED, rel=0)


def exact(number: float) -> Tensor:
    return torch.tensor(number, dtype=torch.float64)


def build(name: str, streams: dict, **params: object) -> torch.nn.Module:
    op = find_op("terms", name)
    op.shapes(op.Params(**params), streams)
    return op.build(op.Params(**params), streams, world=World()).double()


def vector_term(name: str, x: Tensor, **params: object) -> Tensor:
    axes = "VBD" if x.ndim == 3 else "BD"
    sizes = [n for axis, n in zip(axes, x.shape, strict=True) if axis != "B"]
    return build(name, {"x": stream(axes, *sizes)}, **params)(x=x)


def distances(x: Tensor, y: Tensor, **params: object) -> Tensor:
    axes = "BD" if x.ndim == 2 else "KBCHW"
    sizes = [n for axis, n in zip(axes, x.shape, strict=True) if axis != "B"]
    kind = stream(axes, *sizes)
    return build("mse", {"x": kind, "y": kind}, **params)(x=x, y=y)


@pytest.mark.parametrize(
    ("scale", "total", "parts", "gradient"),
    [
        (1.0, 8.8275395249, (0.0428238436, 0.3090128193, 0.0316229536), 2.2318245164),
        (0.5, 16.6293018381, (0.0107059609, 0.6543870553, 0.0019764346), 1.9532235947),
    ],
)
def test_vicreg(scale: float, total: float, parts: tuple, gradient: float) -> None:
    x, y = (scale * wave(8, 6, phase) for phase in (0.0, 0.3))
    x.requires_grad_()
    both = torch.stack([x, y])
    terms = [vector_term(name, both) for name in ("invariance", "variance", "covariance")]
    loss = 25 * terms[0] + 25 * terms[1] + terms[2]
    loss.backward()
    assert [t.item() for t in terms] == [near(p) for p in parts]
    assert loss.item() == pytest.approx(total, abs=1e-9)
    assert x.grad.norm().item() == pytest.approx(gradient, abs=1e-9)


def test_sie() -> None:
    x, y = wave(8, 8, 0.0), wave(8, 8, 0.3)
    both = torch.stack([x, y])
    action = wave(8, 4, 0.7)
    action = action / action.norm(dim=1, keepdim=True)
    maps = (action @ (0.5 * wave(16, 4, 0.5)).T).view(8, 4, 4)
    predicted = torch.einsum("bij,bj->bi", maps, x[:, 4:])
    invariance = vector_term("invariance", both[..., :4])
    equivariance = distances(predicted, y[:, 4:])
    variance = vector_term("variance", both)
    predicted_variance = vector_term("variance", predicted)
    covariance = vector_term("covariance", both)
    assert invariance.item() == near(0.0424908149)
    assert equivariance.item() == near(0.7892256479)
    assert variance.item() == near(0.3024348270)
    assert predicted_variance.item() == near(0.1901659892)
    assert covariance.item() == near(0.0319259892)
    without = 10 * invariance + 4.5 * equivariance + 10 * variance + covariance
    assert without.item() == pytest.approx(7.0326978234, abs=1e-9)
    assert (without + 10 * predicted_variance).item() == pytest.approx(8.9343577155, abs=1e-9)


@pytest.mark.parametrize(
    ("temperature", "scale", "value"),
    [
        (0.1, "mean-over-2n", 0.0531580635),
        (0.1, "tf", 0.1063161270),
        (0.5, "mean-over-2n", 0.8919732772),
        (0.5, "tf", 1.7839465545),
    ],
)
def test_simclr(temperature: float, scale: str, value: float) -> None:
    both = torch.stack([wave(4, 5, 0.0), wave(4, 5, 0.3)])
    term = vector_term("info_nce", both, temperature=temperature, scale=scale)
    assert term.item() == near(value)


@pytest.mark.parametrize(
    ("temperature", "parts", "total"),
    [
        (1.0, (1.7585595004, 1.7280445819), 3.4866040823),
        (0.2, (0.0673184158, 0.0616069493), 0.1289253651),
    ],
)
def test_moco_v3(temperature: float, parts: tuple, total: float) -> None:
    q1, k2, q2, k1 = (wave(4, 5, phase) for phase in (0.0, 0.3, 0.6, 0.9))
    kind = stream("VBD", 2, 5)
    term = build("contrastive", {"queries": kind, "keys": kind}, temperature=temperature)
    value = term(queries=torch.stack([q1, q2]), keys=torch.stack([k1, k2]))
    assert value.item() == near(total)
    # With the first pair in both places, the sum is twice the first part.
    for query, key, part in ((q1, k2, parts[0]), (q2, k1, parts[1])):
        value = term(queries=torch.stack([query, query]), keys=torch.stack([key, key]))
        assert value.item() == pytest.approx(2 * part, abs=2 * PRINTED)


def test_barlow_twins() -> None:
    both = torch.stack([wave(8, 6, 0.0), wave(8, 6, 0.3)])
    on = vector_term("cross_correlation", both, off_diagonal=0.0)
    everything = vector_term("cross_correlation", both, off_diagonal=1.0)
    assert on.item() == near(0.0348263384)
    assert (everything - on).item() == near(1.8512005054)
    assert vector_term("cross_correlation", both, off_diagonal=0.0051).item() == near(0.0442674610)


def class_term(**params: object) -> torch.nn.Module:
    streams = {name: stream("VBD", 2, 7) for name in ("student.0", "student.1", "teacher")}
    return build("self_distillation", streams, teacher_temp=0.07, centre=0.9, **params)


def class_logits() -> dict[str, object]:
    crops = wave(8, 7, 0.0).view(4, 2, 7)
    return {"student": (crops[:2], crops[2:]), "teacher": wave(4, 7, 0.3).view(2, 2, 7)}


def test_dino() -> None:
    cold = class_term()(**class_logits(), teacher_temp=exact(0.04))
    assert cold.item() == near(9.6667074338)
    term, temperature = class_term(), exact(0.07)
    assert term(**class_logits(), teacher_temp=temperature).item() == near(9.3942535461)
    moved = [0.0862171731, 0.0576200157, 0.0025147967]
    assert term.targets.centre[:3].tolist() == [near(c) for c in moved]
    assert term(**class_logits(), teacher_temp=temperature).item() == near(10.3907699894)


def test_dinov2_sums_the_same_pairs_in_another_order() -> None:
    local, swapped = 6.2045249692, 3.1897285769
    term = class_term()(**class_logits(), teacher_temp=exact(0.07))
    assert term.item() == pytest.approx(local + swapped, abs=2 * PRINTED)


def patch_term(**params: object) -> torch.nn.Module:
    logits, mask = stream("VBND", 2, 5, 7), stream("VBN", 2, 5, dtype="bool")
    streams = {"student": logits, "teacher": logits, "mask": mask}
    return build("masked_distillation", streams, teacher_temp=0.07, centre=0.9, **params)


def patch_logits() -> dict[str, Tensor]:
    rows = ("10100", "00000", "01110", "00001")
    mask = torch.tensor([[digit == "1" for digit in row] for row in rows])
    student, teacher = (wave(4, 35, phase).view(2, 2, 5, 7) for phase in (0.2, 0.5))
    return {"student": student, "teacher": teacher, "mask": mask.view(2, 2, 5)}


def test_ibot() -> None:
    cold = patch_term()(**patch_logits(), teacher_temp=exact(0.04))
    assert cold.item() == near(0.5820083770)
    assert 9.6667074338 + cold.item() == pytest.approx(10.2487158108, abs=2 * PRINTED)
    term = patch_term()
    warm = term(**patch_logits(), teacher_temp=exact(0.07))
    assert warm.item() == near(0.7872864373)
    moved = [0.0033508941, 0.0047378667, -0.0017201485]
    assert term.targets.centre[:3].tolist() == [near(c) for c in moved]


def test_dinov2_patches() -> None:
    term = patch_term(centre_of="masked")
    value = term(**patch_logits(), teacher_temp=exact(0.07))
    assert value.item() == pytest.approx(0.78728644, abs=5e-9)  # float32 weights there
    moved = [-0.0192996495, 0.0204518612, 0.0457078568]
    assert term.targets.centre[:3].tolist() == [near(c) for c in moved]


def test_sinkhorn() -> None:
    streams = {name: stream("VBD", 2, 7) for name in ("student.0", "teacher")}
    term = build("self_distillation", streams, teacher_temp=0.07, centring="sinkhorn")
    temperature = exact(0.07)
    targets = term.targets(wave(4, 7, 0.3), temperature=temperature, counted=None)
    first = [0.0004298998, 0.0126995472, 0.4238507748, 0.4320917130]
    # The released code computes in float32, which shows from the eighth decimal on.
    assert targets[0, :4].tolist() == [pytest.approx(p, abs=1e-7) for p in first]
    assert targets.sum(dim=1).tolist() == [near(1.0)] * 4
    assert targets[:, 0].sum().item() == pytest.approx(0.6555725336, abs=1e-7)


def test_koleo() -> None:
    assert vector_term("koleo", wave(8, 6, 0.0)).item() == near(-0.0865913322)


@pytest.mark.parametrize(("norm_pix", "value"), [(False, 0.9232789676), (True, 1.4160457560)])
def test_mae(norm_pix: bool, value: float) -> None:
    streams = {
        "prediction": stream("VBND", 1, 16, 12, grid=(4, 4)),
        "images": stream("VBCHW", 1, 3, 8, 8),
        "keep": stream("VBM", 1, 8, dtype="int", grid=(4, 4)),
    }
    term = build("masked_patch_mse", streams, norm_pix=norm_pix)
    keep = torch.tensor([i for i in range(16) if i % 4 not in {0, 1}]).flip(0)
    reached = term(
        prediction=wave(16, 12, 0.1).view(1, 1, 16, 12),
        images=wave(3, 64, 0.0).view(1, 1, 3, 8, 8),
        keep=keep.view(1, 1, 8),
    )
    assert reached.item() == near(value)


def test_mae_reads_a_patch_by_row_column_channel() -> None:
    from eqspec.nn.squared_error import patchify

    patches = patchify(wave(3, 64, 0.0).view(1, 1, 3, 8, 8), grid=(4, 4))
    published = [0.8956986857, 0.7965654722, -0.1872946635]
    published += [0.9958808445, 0.1805962679, -0.9631309306]
    assert patches[0, 0, 1, :6].tolist() == [near(p) for p in published]


def test_reconstruction_of_two_path_points() -> None:
    prediction = wave(3, 64, 0.1).abs().view(1, 3, 8, 8)
    targets = torch.stack([wave(3, 64, p).abs().view(1, 3, 8, 8) for p in (0.4, 0.7)])
    made = prediction.expand_as(targets)
    assert distances(made, targets).item() == near(0.0822863226)
    per_image = distances(made, targets, reduction="sum-per-image")
    assert per_image.item() == pytest.approx(192 * 0.0822863226, abs=192 * PRINTED)
    unit = distances(made, targets, reduction="mean-over-variance", variance=0.05)
    assert unit.item() == pytest.approx(20 * 0.0822863226, abs=20 * PRINTED)
