"""Which images, which parameters, which pixels the pairs are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.evals.features import Subject
from eqspec.evals.pairs import PairRequest, canvas, canvas_side, centre, collect, drawn
from eqspec.ops.op import OpCall

SIZE = 32
FAMILIES = {
    "rot": OpCall(impl="rot", params={"degrees": [-45, 45]}),
    "color": OpCall(impl="color", params={"brightness": [-0.4, 0.4]}),
}


@dataclass(frozen=True)
class Noise:
    """Noise images of one size that count how often they are read."""

    count: int
    side: int = 48
    read: list[int] = field(default_factory=list)

    @property
    def sources(self) -> np.ndarray:
        return np.arange(self.count) // 3

    def __len__(self) -> int:
        return self.count

    def image(self, i: int, /) -> np.ndarray:
        self.read.append(i)
        shape = (self.side, self.side, 3)
        drawn = torch.randint(256, shape, generator=torch.Generator().manual_seed(i))
        return drawn.to(torch.uint8).numpy()


def pixels(seen: list[Tensor] | None = None) -> Subject:
    """An encoder whose feature is the image."""

    def encoder(images: Tensor) -> Tensor:
        if seen is not None:
            seen.append(images)
        return images.flatten(1)[:, None]

    return Subject(encoder=encoder, prefix=0, size=SIZE, mean=(0, 0, 0), std=(1, 1, 1))


def pairs(subject: Subject, images: Noise, *, view: int = 0, **changed):
    asked = {
        "families": FAMILIES,
        "borders": ("reflect", "zeros", "canvas"),
        "rows": ("encoder",),
        "draws": 2,
        "limit": 1000,
    }
    return collect(subject, images, PairRequest(**asked | changed), view=view)


def test_every_border_of_a_warp_and_one_row_of_a_colour_change() -> None:
    found = pairs(pixels(), Noise(5))
    assert set(found.moved) == {
        ("encoder", "rot", "reflect"),
        ("encoder", "rot", "zeros"),
        ("encoder", "rot", "canvas"),
        ("encoder", "color", "any"),
    }
    assert found.moved["encoder", "rot", "zeros"].shape == (5, 2, 3 * SIZE * SIZE)
    assert found.inputs(("encoder", "color", "any")).whole().shape == (10, 2 * 3 * SIZE * SIZE)


def test_images_are_read_once_and_encoded_unmoved_once() -> None:
    images, seen = Noise(5), []
    pairs(pixels(seen), images)
    assert images.read == [0, 1, 2, 3, 4]
    assert sum(len(batch) for batch in seen) == 5 * (1 + 4 * 2)


def test_the_unmoved_image_is_the_canvas_centre() -> None:
    images = Noise(2)
    found = pairs(pixels(), images)
    inner = torch.from_numpy(images.image(1)).permute(2, 0, 1)[:, 8:40, 8:40] / 255
    torch.testing.assert_close(found.still["encoder"][1], inner.flatten())


def test_only_canvas_looks_outside_the_image() -> None:
    @dataclass(frozen=True)
    class Ring(Noise):
        """Black inside, white in the margin."""

        def image(self, i: int, /) -> np.ndarray:  # noqa: ARG002 - all are alike
            built = np.full((48, 48, 3), 255, np.uint8)
            built[8:40, 8:40] = 0
            return built

    found = pairs(pixels(), Ring(4))
    assert found.moved["encoder", "rot", "reflect"].max() == 0
    assert found.moved["encoder", "rot", "zeros"].max() == 0
    assert found.moved["encoder", "rot", "canvas"].max() > 0.5


def test_canvas_continues_the_image_up_to_its_corners() -> None:
    """On a ramp, a turned image is a turned ramp; mirrored corners would fold it."""

    @dataclass(frozen=True)
    class Ramp(Noise):
        def image(self, i: int, /) -> np.ndarray:  # noqa: ARG002 - all are alike
            columns = np.round(np.linspace(40, 215, 48)).astype(np.uint8)
            return np.repeat(np.tile(columns, (48, 1))[..., None], 3, axis=2)

    found = pairs(pixels(), Ramp(6))
    slope = (215 - 40) / 47 / 255
    middle = np.arange(SIZE) - (SIZE - 1) / 2
    rows, columns = np.meshgrid(middle, middle, indexing="ij")
    angles = np.deg2rad(found.theta["rot"]).reshape(-1, 1, 1)
    expected = 0.5 + slope * (np.cos(angles) * columns - np.sin(angles) * rows)

    def furthest(border: str) -> float:
        turned = found.moved["encoder", "rot", border].reshape(-1, 3, SIZE, SIZE)[:, 0].numpy()
        return float(abs(turned - expected).max())

    assert furthest("canvas") < 0.012
    assert furthest("reflect") > 0.05, "a fold is seen"


def test_parameters_belong_to_the_image_and_the_draw_alone() -> None:
    ranges = np.array([[-10.0, 10.0], [0.0, 2.0]])
    whole = drawn("trans", ranges, images=np.arange(6), view=0, draws=4)
    part = drawn("trans", ranges, images=np.array([4, 2]), view=0, draws=2)
    np.testing.assert_array_equal(part, whole[[4, 2], :2])
    assert (whole >= ranges[:, 0]).all()
    assert (whole <= ranges[:, 1]).all()
    for other in (
        drawn("trans", ranges, images=np.arange(6), view=1, draws=4),
        drawn("rot", ranges, images=np.arange(6), view=0, draws=4),
    ):
        assert not np.isclose(whole, other).any()


def test_parameters_are_scaled_onto_minus_one_to_one() -> None:
    found = pairs(pixels(), Noise(60, side=48), draws=4)
    scaled = found.scaled("rot")
    assert scaled.shape == (240, 1)
    np.testing.assert_allclose(scaled * 45, found.theta["rot"].reshape(-1, 1))
    assert -1 <= scaled.min() < -0.95
    assert 0.95 < scaled.max() <= 1
    assert (found.scaled("color")[:, 1:] == 0).all()


def test_a_limit_takes_a_fixed_choice_of_images() -> None:
    few = pairs(pixels(), Noise(20), limit=9)
    again = pairs(pixels(), Noise(20), limit=9, view=1)
    more = pairs(pixels(), Noise(20), limit=16)
    assert len(few.images) == 4
    np.testing.assert_array_equal(few.images, again.images)
    assert set(few.images) < set(more.images)
    np.testing.assert_array_equal(few.sources, few.images // 3)


@pytest.mark.parametrize(("size", "side"), [(32, 48), (64, 96), (224, 336), (33, 51), (50, 76)])
def test_the_canvas_is_one_and_a_half_times_the_image_with_an_even_margin(
    size: int, side: int
) -> None:
    assert canvas_side(size) == side


def test_a_canvas_is_the_centre_square_of_the_resized_image() -> None:
    columns = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, axis=0)
    built = canvas(np.repeat(columns, 3, axis=2), side=50)
    assert built.shape == (3, 50, 50)
    # Pairs of the middle hundred columns, rounded to 8 bits; the outermost see no neighbours.
    expected = (torch.arange(50) * 2 + 50.5)[1:-1]
    torch.testing.assert_close(built[0, 10, 1:-1] * 255, expected, rtol=0, atol=0.51)


def test_the_centre_of_an_image_of_that_size_is_the_image() -> None:
    image = torch.rand(3, 5, 5)
    torch.testing.assert_close(centre(image, size=5), image, rtol=0, atol=0)
