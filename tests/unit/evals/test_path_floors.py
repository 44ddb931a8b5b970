"""The floors of a path: errors of copying view 2, of a blind prediction, of a transform known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.commands.running.floors import measured_floors
from eqspec.compile.types.plan import Plan
from eqspec.evals.path_floors import path_floors
from eqspec.nn.readouts.path_floors import coarse
from eqspec.ops.find import find_transform
from eqspec.spec.load import parse_spec
from tests.toy_specs import REWRITES, plan_of, toy_plan, toy_text

SIZE = 48
PARAMS = {
    "rot": {"degrees": [-45.0, 45.0]},
    "trans": {"pixels": [-6.0, 6.0], "at": SIZE},
    "se2": {"degrees": [-45.0, 45.0], "pixels": [-6.0, 6.0], "at": SIZE},
}


def smooth(side: int) -> Tensor:
    """Slow waves, `[1, 3, side, side]`, on which bilinear resampling errs little."""
    y, x = torch.meshgrid(torch.arange(side) / 9, torch.arange(side) / 11, indexing="ij")
    return 0.5 + 0.25 * torch.stack([(x + y).sin(), (x - y).cos(), (x * 0.7).sin()])[None]


@pytest.mark.parametrize("fraction", [0.0, 1 / 3, 2 / 3])
@pytest.mark.parametrize("name", PARAMS)
def test_going_back_ends_at_the_point_of_the_path(name: str, fraction: float) -> None:
    op = find_transform(name)
    at = op.build(op.Params.model_validate(PARAMS[name]), size=SIZE, border="canvas")
    theta = np.array([[30.0], [-40.0]]) if name == "rot" else np.array([[5.0, -4.0], [-3.0, 6.0]])
    if name == "se2":
        theta = np.array([[30.0, 5.0, -4.0], [-40.0, -3.0, 6.0]])
    canvas = smooth(2 * SIZE).expand(2, -1, -1, -1)
    shipped = torch.from_numpy(theta).float()
    point, second = at(canvas, shipped, fractions=(fraction, 1.0))
    back = op.back(theta, fraction=fraction)
    assert back is not None
    (found,) = at(second, torch.from_numpy(back).float(), fractions=(1.0,))
    middle = slice(SIZE // 3, -SIZE // 3)  # what left the frame cannot be taken back
    torch.testing.assert_close(
        found[..., middle, middle], point[..., middle, middle], atol=0.01, rtol=0
    )
    assert (second - point)[..., middle, middle].abs().max() > 0.05


def test_a_blur_cannot_be_undone() -> None:
    assert find_transform("blur").back(np.ones((1, 1)), fraction=0.5) is None


@dataclass(frozen=True)
class Textures:
    """Images of oriented stripes, `[64, 64, 3]`."""

    count: int = 40
    labels: None = None
    classes: tuple[str, ...] = ()

    @property
    def sources(self) -> np.ndarray:
        return np.arange(self.count)

    def __len__(self) -> int:
        return self.count

    def image(self, i: int, /) -> np.ndarray:
        y, x = np.mgrid[:64, :64]
        wave = np.sin(x * np.cos(i) / 4 + y * np.sin(i) / 4 + i)
        return np.repeat((127 + 100 * wave).astype(np.uint8)[..., None], 3, axis=2)

    def fingerprint(self) -> str:
        return "textures"


def plan_with(transform: str) -> Plan:
    path = f"{{use: intermediate-reconstruction, transform: {transform}, border: canvas}}"
    return toy_plan("vicreg", equivariance=path)


def test_knowing_costs_least_and_copying_most() -> None:
    found = path_floors(plan_with("{use: rot}"), Textures())
    assert found is not None
    assert found.full.blind is not None
    assert found.full.known is not None
    assert found.full.known < 0.5 * found.full.blind
    assert found.full.blind < 0.8 * found.full.copied
    assert found.coarse.known is not None
    assert found.coarse.known > found.full.known, "a coarse prediction lacks details"


def test_a_transform_that_hardly_moves_asks_for_nothing() -> None:
    """As shifts of a pixel do: blind, copied and known lie together."""
    little = path_floors(plan_with("{use: rot, with: {degrees: [-0.5, 0.5]}}"), Textures())
    much = path_floors(plan_with("{use: rot}"), Textures())
    assert little is not None
    assert much is not None
    assert little.full.copied < 0.02 * much.full.copied


def test_what_cannot_be_undone_has_the_error_of_copying_alone() -> None:
    found = path_floors(plan_with("{use: blur}"), Textures())
    assert found is not None
    assert found.full.copied > 0
    assert (found.full.blind, found.full.known) == (None, None)


@pytest.mark.parametrize(
    "rewrite", ["none", *(r for r in REWRITES.values() if "intermediate-" not in r)]
)
def test_a_plan_that_reconstructs_no_path_has_no_floors(rewrite: str) -> None:
    """SIE, too: it transforms view 2, with nothing between the views."""
    assert path_floors(toy_plan("vicreg", equivariance=rewrite), Textures()) is None


def test_a_coarse_image_has_the_means_of_its_blocks() -> None:
    image = torch.zeros(1, 1, 1, 8, 8)
    image[..., :4] = 1.0
    assert torch.equal(coarse(image, side=8), image)
    assert coarse(image, side=2).mean() == pytest.approx(0.5)
    assert coarse(image, side=1).unique().tolist() == [0.5]


def test_with_shared_crops_view_1_shows_the_content_before_the_transform() -> None:
    """Each image of the path is at most half of the transform away from the nearer view."""
    path = "{use: intermediate-reconstruction, transform: {use: rot}, border: canvas}"
    text = toy_text("vicreg", equivariance=path)
    alone, shared = (
        path_floors(
            plan_of(
                parse_spec(
                    text,
                    path=Path("toy.yaml"),
                    overrides=("augment.use=all", f"augment.with.global.crops={crops}"),
                )
            ),
            Textures(),
        )
        for crops in ("independent", "shared")
    )
    assert alone is not None
    assert shared is not None
    assert alone.full.blind is not None
    assert shared.full.blind is not None
    assert shared.full.known is not None
    assert (alone.both, shared.both) == (False, True)
    assert shared.full.blind < 0.8 * alone.full.blind
    assert shared.full.copied < alone.full.copied
    assert shared.full.known < 0.1 * shared.full.blind


def test_a_control_without_the_loss_has_none() -> None:
    plain = "use: intermediate-reconstruction, transform: {use: rot}, border: canvas"
    asked, unasked = (
        measured_floors(
            toy_plan("vicreg", equivariance=f"{{{plain}, lambda: {weight}}}"), Textures()
        )
        for weight in (1, 0)
    )
    assert asked is not None
    assert unasked is None
