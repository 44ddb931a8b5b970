"""Targets follow the geometry of their image: flips, crops, and agreement between types."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eqspec.errors import EqspecError
from eqspec.ops.targets.boxes import Boxes
from eqspec.ops.targets.clip import Clip
from eqspec.ops.targets.collate import collate
from eqspec.ops.targets.depth import Depth
from eqspec.ops.targets.geometry import Geometry
from eqspec.ops.targets.keypoints import ABSENT, VISIBLE, Keypoints
from eqspec.ops.targets.kinds import TargetKind, TargetType
from eqspec.ops.targets.label import Label
from eqspec.ops.targets.mask import IGNORED, Mask
from eqspec.ops.targets.pair import Pair

if TYPE_CHECKING:
    from eqspec.ops.targets.union import Target

HIGH, WIDE = 24, 30
SOURCE = (HIGH, WIDE)
PARTNERS = (0, 2, 1)
"""Of three points: a nose, and two eyes."""

TYPES = {
    "label": TargetType(TargetKind.LABEL),
    "mask": TargetType(TargetKind.MASK),
    "depth": TargetType(TargetKind.DEPTH),
    "boxes": TargetType(TargetKind.BOXES, objects=3, masks=True),
    "keypoints": TargetType(TargetKind.KEYPOINTS, objects=3, points=3),
    "pair": TargetType(TargetKind.PAIR),
    "clip": TargetType(TargetKind.MASK, frames=2),
}


@st.composite
def rectangles(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a rectangle of at least 2 × 2 pixels."""
    left, top = draw(st.integers(0, WIDE - 2)), draw(st.integers(0, HIGH - 2))
    return (
        left,
        top,
        draw(st.integers(left + 2, WIDE)),
        draw(st.integers(top + 2, HIGH)),
    )


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """A crop, resized, and flipped or not."""
    size = (draw(st.integers(4, 40)), draw(st.integers(4, 40)))
    found = Geometry.crop(SOURCE, box=draw(rectangles()), size=size)
    return found.then(Geometry.flip(size)) if draw(st.booleans()) else found


def pixels(box: tuple[int, int, int, int]) -> np.ndarray:
    found = np.zeros(SOURCE, np.bool_)
    found[box[1] : box[3], box[0] : box[2]] = True
    return found


def targets(box: tuple[int, int, int, int]) -> dict[str, Target]:
    """One target of each type, about one rectangle."""
    inside = pixels(box)
    left, top, right, bottom = box
    centre = [(left + right) / 2, (top + bottom) / 2]
    points = np.array([[centre, [left + 0.5, top + 0.5], [right - 0.5, bottom - 0.5]]])
    mask = Mask(inside.astype(np.int32))
    return {
        "label": Label(3),
        "mask": mask,
        "depth": Depth(np.where(inside, 2.0, 0.0).astype(np.float32), inside),
        "boxes": Boxes(np.array([box], np.float64), np.array([1]), np.array([False]), inside[None]),
        "keypoints": Keypoints(points, np.full((1, 3), VISIBLE), PARTNERS),
        "pair": Pair.of_corners(*corners(box)),
        "clip": Clip((mask, mask)),
    }


def corners(box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    left, top, right, bottom = box
    first = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    shares = np.array([[0.1, 0], [0, 0.2], [-0.1, 0.1], [0.05, 0]])
    return first, first + shares * [right - left, bottom - top]


def same(one: Target, other: Target, *, of: TargetType) -> None:
    a, b = (collate([target], of=of) for target in (one, other))
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", TYPES)
@given(box=rectangles())
def test_two_flips_change_nothing(kind: str, box: tuple[int, int, int, int]) -> None:
    target, flip = targets(box)[kind], Geometry.flip(SOURCE)
    same(target.moved(flip).moved(flip), target, of=TYPES[kind])
    same(target.moved(flip.then(flip)), target, of=TYPES[kind])


@pytest.mark.parametrize("kind", TYPES)
@given(box=rectangles(), crop=rectangles())
def test_a_flipped_crop_is_the_mirrored_crop_of_the_flip(
    kind: str, box: tuple[int, int, int, int], crop: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = crop
    target, first = targets(box)[kind], Geometry.crop(SOURCE, box=crop)
    mirrored = Geometry.crop(SOURCE, box=(WIDE - right, top, WIDE - left, bottom))
    cropped = target.moved(first).moved(Geometry.flip(first.size))
    same(target.moved(Geometry.flip(SOURCE)).moved(mirrored), cropped, of=TYPES[kind])
    composed = first.then(Geometry.flip(first.size))
    same(target.moved(composed), cropped, of=TYPES[kind])


@given(box=rectangles(), geometry=geometries())
def test_the_box_of_a_moved_mask_is_the_moved_box_within_a_pixel(
    box: tuple[int, int, int, int], geometry: Geometry
) -> None:
    boxes = targets(box)["boxes"].moved(geometry)
    assert isinstance(boxes, Boxes)
    assert boxes.masks is not None
    mask = targets(box)["mask"].moved(geometry)
    assert isinstance(mask, Mask)
    rows, columns = np.nonzero(mask.classes == 1)
    assert len(boxes) == (len(rows) > 0)
    if len(boxes):
        np.testing.assert_array_equal(boxes.masks[0], mask.classes == 1)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(boxes.corners[0], found, atol=1.0)


@given(box=rectangles(), geometry=geometries(), at=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_point_inside_a_mask_stays_inside_it(
    box: tuple[int, int, int, int], geometry: Geometry, at: tuple[float, float]
) -> None:
    """Up to the pixel that the mask is cut into."""
    left, top, right, bottom = box
    point = [left + at[0] * (right - left), top + at[1] * (bottom - top)]
    points = Keypoints(np.array([[point]]), np.array([[VISIBLE]]), (0,)).moved(geometry)
    boxes = Boxes(np.array([box], np.float64), np.array([0]), np.array([False])).moved(geometry)
    if points.states[0, 0] != ABSENT and len(boxes):
        x, y = points.points[0, 0]
        low, high = boxes.corners[0, :2], boxes.corners[0, 2:]
        assert (low - 1e-6 <= [x, y]).all()
        assert ([x, y] <= high + 1e-6).all()


def test_a_flip_exchanges_the_names_of_left_and_right() -> None:
    found = targets((2, 3, 12, 9))["keypoints"].moved(Geometry.flip(SOURCE))
    assert isinstance(found, Keypoints)
    np.testing.assert_allclose(found.points[0, 1], [WIDE - 11.5, 8.5])  # was the other eye
    np.testing.assert_allclose(found.points[0, 2], [WIDE - 2.5, 3.5])


def test_a_box_and_a_point_outside_the_frame_are_dropped() -> None:
    geometry = Geometry.crop(SOURCE, box=(14, 0, 30, 24))
    boxes, points = (
        targets((2, 3, 12, 9))[kind].moved(geometry) for kind in ("boxes", "keypoints")
    )
    assert isinstance(boxes, Boxes)
    assert isinstance(points, Keypoints)
    assert len(boxes) == 0
    assert boxes.masks is not None
    assert boxes.masks.shape == (0, 24, 16)
    assert (points.states == ABSENT).all()
    assert not points.points.any()


def test_pixels_from_outside_the_image_are_ignored() -> None:
    shift = np.array([[1, 0, 4], [0, 1, 0], [0, 0, 1]], np.float64)
    found = targets((0, 0, 10, 10))
    mask = found["mask"].moved(Geometry(shift, SOURCE, SOURCE))
    depth = found["depth"].moved(Geometry(shift, SOURCE, SOURCE))
    assert isinstance(mask, Mask)
    assert isinstance(depth, Depth)
    assert (mask.classes[:, :4] == IGNORED).all()
    assert (mask.classes[:10, 4:14] == 1).all()
    assert not depth.valid[:, :4].any()
    assert (depth.metres[:10, 4:14] == 2).all()


@given(box=rectangles(), first=geometries(), second=geometries())
def test_a_relation_maps_moved_points_to_moved_points(
    box: tuple[int, int, int, int], first: Geometry, second: Geometry
) -> None:
    from eqspec.ops.targets.geometry import moved_points

    here, there = corners(box)
    pair = Pair.of_corners(here, there).first_moved(first).second_moved(second)
    found = moved_points(pair.homography, first.points(here))
    np.testing.assert_allclose(found, second.points(there), atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
@given(box=rectangles())
def test_a_batch_has_the_declared_shapes(kind: str, box: tuple[int, int, int, int]) -> None:
    square = Geometry.resize(SOURCE, size=(16, 16))
    batch = collate([targets(box)[kind].moved(square)] * 2, of=TYPES[kind])
    declared = TYPES[kind].streams(size=16)
    assert batch.keys() == declared.keys()
    types = {"int": np.int64, "float": np.float32, "bool": np.bool_}
    for name, stream in declared.items():
        assert batch[name].shape == stream.shape(batch=2), name
        assert batch[name].dtype == types[stream.dtype], name


def encoded(values: np.ndarray, *, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(values)
    (image if mode is None else image.convert(mode)).save(file, "PNG")
    return file.getvalue()


def test_masks_and_depths_are_decoded_from_their_values() -> None:
    stored = np.array([[0, 1], [255, 7]], np.uint8)
    np.testing.assert_array_equal(Mask.decode(encoded(stored)).classes, [[0, 1], [IGNORED, 7]])
    metres = np.array([[0, 500], [1000, 65535]], np.uint16)
    depth = Depth.decode(encoded(metres), per_metre=1000)
    np.testing.assert_allclose(depth.metres, [[0, 0.5], [1, 65.535]])
    np.testing.assert_array_equal(depth.valid, [[False, True], [True, True]])


@pytest.mark.parametrize("content", [b"no image", encoded(np.zeros((2, 2, 3), np.uint8))])
def test_a_damaged_mask_is_named(content: bytes) -> None:
    with pytest.raises(EqspecError, match=r"cannot read the image a\.png"):
        Mask.decode(content, name="a.png")


def test_cocos_annotations_become_boxes_and_points() -> None:
    polygon: dict[str, Any] = {
        "bbox": [2, 1, 3, 2],
        "category_id": 18,
        "segmentation": [[2, 1, 4, 1, 4, 2, 2, 2]],
    }
    runs = {"counts": [2, 2, 20], "size": [4, 6]}  # down the columns
    crowd = {"bbox": [0, 2, 1, 2], "category_id": 1, "iscrowd": 1, "segmentation": runs}
    found = Boxes.of_coco([polygon, crowd], classes={1: 0, 18: 1}, size=(4, 6), masks=True)
    np.testing.assert_array_equal(found.corners, [[2, 1, 5, 3], [0, 2, 1, 4]])
    np.testing.assert_array_equal(found.labels, [1, 0])
    np.testing.assert_array_equal(found.crowd, [False, True])
    assert found.masks is not None
    assert [tuple(rc) for rc in np.argwhere(found.masks[1])] == [(2, 0), (3, 0)]
    assert next(tuple(rc) for rc in np.argwhere(found.masks[0])) == (1, 2)
    points = Keypoints.of_coco([[3, 4, 2, 0, 0, 0, 5, 6, 1]], partners=PARTNERS)
    np.testing.assert_array_equal(points.states, [[2, 0, 1]])
    np.testing.assert_array_equal(points.points[0], [[3, 4], [0, 0], [5, 6]])
