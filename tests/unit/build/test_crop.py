"""The box of a random resized crop, and the antialiased resize against torchvision's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from eqspec.build.data.crop import Box, crop_box, effective_scale, resize, shown_box
from eqspec.compile.types.view_plan import CropPlan
from tests.fakes import FakeImages

UNIFORM = st.floats(0, 1, exclude_max=True)
SIDE = st.integers(1, 3000)


@st.composite
def crops(draw: st.DrawFn) -> CropPlan:
    shares = sorted((draw(st.floats(0.01, 1)), draw(st.floats(0.01, 1))))
    ratios = sorted((draw(st.floats(0.2, 5)), draw(st.floats(0.2, 5))))
    return CropPlan(scale=(shares[0], shares[1]), ratio=(ratios[0], ratios[1]))


@given(
    crop=crops(),
    uniforms=st.tuples(UNIFORM, UNIFORM, UNIFORM, UNIFORM),
    width=SIDE,
    height=SIDE,
    canvas=st.integers(1000, 2000),
)
def test_box_lies_inside_keeps_its_ratio_and_stays_within_the_effective_scale(
    crop, uniforms, width, height, canvas
):
    margin = canvas / 1000
    box = crop_box(crop, uniforms, width=width, height=height, margin=margin)
    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height
    wide, high = box.right - box.left, box.bottom - box.top
    low, top = np.log(crop.ratio)
    assert np.log(wide / high) == pytest.approx(low + uniforms[1] * (top - low), abs=1e-8)
    share = wide * high / margin**2 / (width * height)
    least, most = effective_scale(crop, width=width, height=height, size=1000, canvas=canvas)
    assert least * (1 - 1e-9) <= share <= most * (1 + 1e-9)


def test_box_without_shrinking_has_the_share_and_place_that_were_drawn():
    crop = CropPlan(scale=(0.25, 0.25), ratio=(1.0, 1.0))
    box = crop_box(crop, (0.5, 0.5, 0.0, 1.0 - 2**-53), width=100, height=100)
    assert (box.left, box.right) == (0, 50)
    assert (box.top, box.bottom) == pytest.approx((50, 100))


def test_box_with_a_margin_has_the_centre_of_its_view():
    crop = CropPlan(scale=(0.09, 0.09), ratio=(1.0, 1.0))
    box = crop_box(crop, (0.5, 0.5, 0.5, 0.5), width=100, height=100, margin=1.5)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((27.5, 27.5, 72.5, 72.5))


@pytest.mark.parametrize(("size", "canvas"), [(32, 32), (32, 46)])
@pytest.mark.parametrize(("width", "height"), [(128, 128), (200, 100)])
def test_effective_scale_is_reached_by_draws(size, canvas, width, height):
    crop = CropPlan(scale=(0.3, 1.0), ratio=(0.75, 4 / 3))
    shares = []
    for share in np.linspace(0, 1, 41):
        for ratio in np.linspace(0, 1, 41):
            box = crop_box(
                crop, (share, ratio, 0.5, 0.5), width=width, height=height, margin=canvas / size
            )
            area = (box.right - box.left) * (box.bottom - box.top) * (size / canvas) ** 2
            shares.append(area / (width * height))
    low, high = effective_scale(crop, width=width, height=height, size=size, canvas=canvas)
    assert min(shares) == pytest.approx(low, abs=1e-6)
    assert max(shares) == pytest.approx(high, abs=2e-3)


def test_effective_scale_of_a_square_tile_with_a_rotation_margin():
    crop = CropPlan(scale=(0.25, 1.0))
    low, high = effective_scale(crop, width=128, height=128, size=32, canvas=46)
    assert (low, high) == pytest.approx((0.25, (32 / 46) ** 2))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [16, 23, 32, 57, 64, 101, 128])
def test_resize_of_whole_pixel_boxes_is_torchvisions(interpolation, side):
    """Scales from ½ (enlarged) to 4 (minified), at most one level of 255 apart."""
    image = np.array(FakeImages(count=1, height=150, width=160).image(0))
    # Edges and texture, which smooth waves lack.
    image[40:90, 30:70] = (250, 5, 130)
    image[::3, ::2, 1] ^= 0x55
    box = crop_box(
        CropPlan(scale=(1.0, 1.0), ratio=(1.0, 1.0)), (0, 0, 0, 0), width=side, height=side
    )
    ours = resize(image[7 : 7 + side, 11 : 11 + side], box, canvas=32, interpolation=interpolation)
    theirs = tv.resized_crop(
        torch.from_numpy(image).permute(2, 0, 1),
        *(7, 11, side, side),
        size=[32, 32],
        interpolation=InterpolationMode(interpolation),
        antialias=True,
    )
    difference = ours.astype(int) - theirs.permute(1, 2, 0).numpy().astype(int)
    assert np.abs(difference).max() <= 1


def test_resize_of_a_fractional_box_shifts_the_picture_by_the_fraction():
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 100, axis=0)
    image = np.repeat(ramp, 3, axis=2)
    crop = CropPlan(scale=(0.64, 0.64), ratio=(1.0, 1.0))
    left = crop_box(crop, (0, 0, 0.5, 0.5), width=100, height=100)
    right = crop_box(crop, (0, 0, 0.525, 0.5), width=100, height=100)
    assert right.left - left.left == pytest.approx(0.5)
    images = [
        resize(image, b, canvas=40, interpolation="bilinear").astype(float) for b in (left, right)
    ]
    assert np.abs(images[1] - images[0] - 1)[:, 2:-2].max() <= 1
    assert (images[1] - images[0]).mean() == pytest.approx(1, abs=0.1)


def test_one_pixel_is_enough_of_a_source():
    image = np.full((1, 1, 3), 77, dtype=np.uint8)
    box = crop_box(CropPlan(scale=(0.08, 1.0)), (0.0, 0.0, 0.99, 0.99), width=1, height=1)
    assert (resize(image, box, canvas=8, interpolation="bicubic") == 77).all()


@pytest.mark.parametrize(("width", "height"), [(256, 256), (400, 256), (256, 300)])
def test_a_centred_square_is_resize_and_centre_crop(width: int, height: int):
    """224 of a shorter side of 256, the middle of both axes; nothing is drawn."""
    crop = CropPlan(scale=(1.0, 1.0), centre=0.875)
    boxes = {crop_box(crop, (u, u, u, u), width=width, height=height) for u in (0.0, 0.3, 0.99)}
    (box,) = boxes
    assert (box.right - box.left, box.bottom - box.top) == (224, 224)
    assert (box.left, box.top) == ((width - 224) / 2, (height - 224) / 2)


def test_what_a_view_shows_leaves_out_its_margin():
    box = Box(10, 20, 50, 80)
    assert shown_box(box, width=100, height=100, margin=1.0) == (0.1, 0.2, 0.4, 0.6)
    assert shown_box(box, width=100, height=200, margin=2.0) == pytest.approx(
        (0.2, 0.175, 0.2, 0.15)
    )
