"""Size of the canvas that a warp needs around its frame. Free of torch, for use in plans."""

from __future__ import annotations

import math


def rigid_reach(*, degrees: float, pixels: float, size: int) -> float:
    """Return how far a rotated and shifted frame reaches beyond the original frame.

    Args:
        degrees: largest angle in either direction; the path to it contains all smaller ones.
        pixels: largest shift along x or y in either direction.
        size: side of the frame in pixels.

    Returns:
        Pixels per side, measured between pixel centres.
    """
    angle = math.radians(min(degrees, 45.0))
    half = (size - 1) / 2
    return (half + pixels) * (math.cos(angle) + math.sin(angle)) - half


def canvas_side(size: int, reach: float) -> int:
    """Return the side of the smallest square canvas that contains a frame and its reach.

    Args:
        size: side of the frame in pixels.
        reach: pixels per side that the warped frame reaches beyond the original one.

    Returns:
        A side that differs from `size` by an even number, so that the frame is centred.
    """
    return size + 2 * math.ceil(reach)
