"""How much image a warp needs around the frame that it fills. Free of torch, so a plan can ask."""

from __future__ import annotations

import math


def rigid_reach(*, degrees: float, pixels: float, size: int) -> float:
    """How far outside its own frame a frame looks that is shifted and turned about its centre.

    Args:
        degrees: largest angle, either way; every smaller one is met on the path to it.
        pixels: largest shift along x or y, either way.
        size: side of the frame.

    Returns:
        Pixels per side, measured between pixel centres.
    """
    angle = math.radians(min(degrees, 45.0))
    half = (size - 1) / 2
    return (half + pixels) * (math.cos(angle) + math.sin(angle)) - half


def canvas_side(size: int, reach: float) -> int:
    """Side of the smallest square canvas that holds a frame and its reach, centred to the pixel.

    Args:
        size: side of the frame.
        reach: pixels that the frame looks outside of itself, per side.

    Returns:
        A side whose difference to `size` is even.
    """
    return size + 2 * math.ceil(reach)
