"""Tests of the rotation between stored poses against scipy, matrices and algebraic laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from eqspec.nn.quaternion import after, from_euler, inverse
from eqspec.ops.relations.relative_rotation import Params, encode, latents, names
from tests.fake_objects import CORNERS, drawn_latents, rotation

HUES = Params(differences=(3, 6))
POSES = drawn_latents(1, views=500), drawn_latents(2, views=500)

angles = arrays(np.float64, (1, 3), elements=st.floats(-3.2, 3.2))


def scipys(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """R₁⁻¹R₂ as SIE computes it, sign and all."""
    one, other = (Rotation.from_euler("xyz", poses[:, :3]) for poses in (first, second))
    return (one.inv() * other).as_quat()


def as_matrix(quaternion: np.ndarray) -> np.ndarray:
    """By Rodrigues' formula, from axis and angle."""
    vector, scalar = quaternion[:3], quaternion[3]
    length = np.linalg.norm(vector)
    if length < 1e-12:
        return np.eye(3)
    x, y, z = vector / length
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * np.arctan2(length, scalar)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def test_it_is_scipys_sign_included() -> None:
    ours = encode(Params(), *POSES)
    np.testing.assert_allclose(ours, scipys(*POSES), rtol=0, atol=1e-12)
    assert (ours[:, 3] < 0).any(), "the sign is left as it comes out"


def test_it_turns_the_object_from_pose_to_pose() -> None:
    """R₂ = R₁ (R₁⁻¹R₂), in matrices that were written down by themselves."""
    for first, second, action in zip(*POSES, encode(Params(), *POSES), strict=True):
        built = rotation(first[:3]) @ as_matrix(action)
        np.testing.assert_allclose(
            CORNERS @ built.T, CORNERS @ rotation(second[:3]).T, rtol=0, atol=1e-12
        )


def test_hues_differ_plainly_and_are_not_wrapped() -> None:
    first, second = np.zeros((1, 7)), np.zeros((1, 7))
    first[0, [3, 6]], second[0, [3, 6]] = (0.9, 0.25), (0.1, 0.5)
    assert encode(HUES, first, second)[0].tolist() == pytest.approx([0, 0, 0, 1, -0.8, 0.25])
    assert names(HUES) == ("x", "y", "z", "w", "latent 3", "latent 6")
    assert (latents(Params()), latents(HUES)) == (3, 7)


def test_the_same_pose_is_the_identity() -> None:
    still = encode(HUES, POSES[0], POSES[0])
    np.testing.assert_allclose(still, np.tile([0, 0, 0, 1, 0, 0], (500, 1)), rtol=0, atol=1e-15)


@given(angles, angles, angles)
def test_actions_compose(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """From the first view to the second and on to the third: R₁⁻¹R₂ · R₂⁻¹R₃ = R₁⁻¹R₃."""
    there, on, both = (encode(Params(), x, y) for x, y in ((a, b), (b, c), (a, c)))
    np.testing.assert_allclose(after(there, on), both, rtol=0, atol=1e-12)
    np.testing.assert_allclose(encode(Params(), b, a), inverse(there), rtol=0, atol=1e-12)
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-12)


def test_a_turn_about_one_axis() -> None:
    for axis in range(3):
        quarter = np.zeros((1, 3))
        quarter[0, axis] = np.pi / 2
        wanted = np.zeros(4)
        wanted[[axis, 3]] = np.sqrt(0.5)
        np.testing.assert_allclose(from_euler(quarter)[0], wanted, rtol=0, atol=1e-15)
