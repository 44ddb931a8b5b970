"""A rewrite's predictor on held-out images, beside the same by hand, image by image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.build.frozen_model import heads
from eqspec.compile.types.graph import ApplyNode
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError
from eqspec.evals.images import centre_crop
from eqspec.evals.pairs import PROTOCOL_SEED
from eqspec.evals.predictor import Predictor, predictor
from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_transform
from tests.fakes import FakeImages
from tests.programs import program_of
from tests.toy_specs import RECORDED_REWRITES, toy_plan

DATA = FakeImages(count=12)
IMAGES = np.array([1, 4, 7, 8])
SIZE = 32

BORDERS = pytest.mark.parametrize("border", ["zeros", "reflect", "canvas"])


def plan(rewrite: str, *, method: str = "vicreg_sie", border: str | None = None) -> Plan:
    text = RECORDED_REWRITES[rewrite]
    if border is not None:
        text = text.replace("{use: rot}", f"{{use: rot}}, border: {border}", 1)
    return toy_plan(method, equivariance=text)


def built(rewrite: str, *, method: str = "vicreg_sie", border: str | None = None) -> Predictor:
    planned = plan(rewrite, method=method, border=border)
    found = predictor(program_of(planned).graph, planned)
    assert found is not None
    return found


def normalised(image: Tensor, planned: Plan) -> Tensor:
    mean, std = (torch.tensor(v)[:, None, None] for v in (planned.views.mean, planned.views.std))
    return (image - mean) / std


def theta_of(image: int, draw: int) -> Tensor:
    """The angle by which an image is turned, in degrees."""
    drawn = Draws(PROTOCOL_SEED).uniform(
        "path", step=draw, samples=np.array([image]), view=1, count=1
    )
    return torch.from_numpy(-45 + 90 * drawn).to(torch.float32)


@pytest.mark.parametrize("border", ["zeros", "reflect"])
def test_sie_is_what_its_modules_make_of_one_crop_and_its_rotations(border: str) -> None:
    planned = plan("sie", border=border)
    graph = program_of(planned).graph.eval()
    students, op = graph.students, find_transform("rot")
    params = op.Params.model_validate(planned.views.path.params)
    found = predictor(graph, planned)(DATA, IMAGES, others=3)

    def representation(image: Tensor) -> Tensor:
        tokens = students["encoder"](images=normalised(image, planned)[None])
        z = students["embed"](x=tokens)[:, 1:, -16:].mean(dim=1)
        return students["equi_projector"](x=z, views=1)

    with torch.no_grad():
        for row, image in enumerate(IMAGES.tolist()):
            still = centre_crop(DATA.image(image), size=SIZE)
            first = representation(still)
            torch.testing.assert_close(found.views[row, :1], first, rtol=1e-4, atol=1e-5)
            for k in (1, 2, 3):
                theta = theta_of(image, k)
                move = op.build(params, size=SIZE, border=border)
                (moved,) = move(still[None], theta, fractions=(1.0,))
                second = representation(moved[0])
                torch.testing.assert_close(
                    found.views[row, k : k + 1], second, rtol=1e-4, atol=1e-5
                )
                encoded = op.encode(params, theta.double().numpy(), size=SIZE)
                action = torch.from_numpy(encoded).to(torch.float32)
                made = students["equi_predictor"](x=first, action=action)
                torch.testing.assert_close(
                    found.predicted[row, k - 1 : k], made, rtol=1e-4, atol=1e-5
                )


@pytest.mark.parametrize("rewrite", ["sie", "sie-no-var", "sie-only-equi", "equimod", "stl"])
@pytest.mark.parametrize("method", ["vicreg_sie", "ibot", "dinov2", "mocov3"])
def test_every_predictor_runs_on_every_method(rewrite: str, method: str) -> None:
    if rewrite == "sie-only-equi" and method != "vicreg_sie":
        pytest.skip("needs the terms of VICReg")
    found = built(rewrite, method=method)(DATA, IMAGES, others=2)
    width = found.views.shape[2]
    assert found.views.shape == (4, 3, width)
    assert found.predicted.shape == (4, 2, width)
    assert not torch.equal(found.views[:, 1], found.views[:, 2])
    assert not torch.equal(found.predicted[:, 0], found.predicted[:, 1])
    np.testing.assert_array_equal(found.images, IMAGES)


@BORDERS
def test_more_views_and_more_images_leave_the_others_as_they_are(border: str) -> None:
    found = built("sie", border=border)
    few, more = found(DATA, IMAGES[:2], others=2), found(DATA, IMAGES, others=4)
    torch.testing.assert_close(more.views[:2, :3], few.views, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(more.predicted[:2, :2], few.predicted, rtol=1e-4, atol=1e-5)


def test_views_do_not_depend_on_how_many_are_in_memory(monkeypatch) -> None:
    for rewrite in ("sie", "equimod", "stl"):
        found = built(rewrite)
        whole = found(DATA, IMAGES, others=2)
        monkeypatch.setattr("eqspec.evals.predictor.AT_ONCE", 2)
        parts = found(DATA, IMAGES, others=2)
        monkeypatch.undo()
        torch.testing.assert_close(parts.views, whole.views, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(parts.predicted, whole.predicted, rtol=1e-4, atol=1e-5)


def test_equimod_predicts_from_the_plain_image_by_what_the_augmentation_drew() -> None:
    planned = plan("equimod")
    graph = program_of(planned).graph
    found = predictor(graph, planned)
    assert found is not None
    compute, seen = found.compute, list[dict[str, Tensor]]()

    def noted(streams: dict[str, Tensor]) -> dict[str, Tensor]:
        seen.append(streams)
        return compute(streams)

    Predictor(found.streams, found.plan, views=found.views, compute=noted, device=found.device)(
        DATA, IMAGES, others=2
    )
    first, second = seen
    assert set(first) == {"global", "plain", "draws"}
    assert torch.equal(first["plain"], second["plain"])
    for name in ("global", "draws"):
        assert torch.equal(first[name][0], second[name][0])
        assert not torch.equal(first[name][1], second[name][1])


def test_neighbours_share_what_changes_and_an_odd_image_is_left_out() -> None:
    found = built("stl")(DATA, IMAGES[:3], others=1)
    np.testing.assert_array_equal(found.images, IMAGES[:2])
    with pytest.raises(EqspecError, match="needs 2 images"):
        built("stl")(DATA, IMAGES[:1], others=1)


def test_the_task_names_what_changes_the_views() -> None:
    tasks = {b: built("sie", border=b)(DATA, IMAGES, others=1).task for b in ("zeros", "reflect")}
    assert tasks["zeros"].startswith("rot ")
    assert tasks["zeros"] != tasks["reflect"]
    assert "augmentation" in built("equimod")(DATA, IMAGES, others=1).task


def test_numbers_that_are_not_finite_are_an_error() -> None:
    planned = plan("sie")
    graph = program_of(planned).graph
    with torch.no_grad():
        next(graph.students["equi_predictor"].parameters()).fill_(torch.inf)
    found = predictor(graph, planned)
    assert found is not None
    with pytest.raises(EqspecError, match="not finite"):
        found(DATA, IMAGES, others=1)


def test_a_rewrite_without_predictor_has_none() -> None:
    for rewrite in ("path", "e-ssl", "augself", "care", "ser", "cross-attention"):
        planned = plan(rewrite)
        assert planned.graph.predictor is None
        assert predictor(program_of(planned).graph, planned) is None


def test_heads_compute_what_is_asked_for_and_draw_nothing() -> None:
    graph = program_of(toy_plan("dinov2", equivariance=RECORDED_REWRITES["sie"])).graph
    nodes = {step.out for step in graph.computing(("equi_p_0",))}
    assert "equi_p_0" in nodes
    assert "equi_predicted" not in nodes
    drawn = [n for n in graph.plan.encode if isinstance(n, ApplyNode) and "drop" in n.ports]
    assert drawn, "training drops paths"
    images = torch.rand(2, 3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    compute = heads(graph, ("equi_p_0",))
    assert torch.equal(
        compute({"global": images})["equi_p_0"], compute({"global": images})["equi_p_0"]
    )
    assert not graph.training
