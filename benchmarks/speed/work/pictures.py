"""JPEG files like photographs in size and detail, the same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from eqspec.nn.random.philox import Draws

WIDTH, HEIGHT = 500, 375
"""Sides of an image of ImageNet, on the average."""

COARSE = (12, 16)
"""Rows and columns of the colours that an image fades between."""

GRAIN = 28.0
"""Amplitude of the noise, so that files are as large as those of photographs (about 100 kB)."""


def pictures(folder: Path, *, count: int) -> Path:
    """Write images into `train/one/` of a folder, unless they are there; return the folder.

    Args:
        count: number of images.
    """
    there = folder / "train" / "one"
    there.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = there / f"{number:05}.jpg"
        if not path.exists():
            Image.fromarray(picture(number)).save(path, quality=90)
    held_out = folder / "val" / "one"
    held_out.mkdir(parents=True, exist_ok=True)
    if not (held_out / "0.jpg").exists():
        Image.fromarray(picture(count)).save(held_out / "0.jpg", quality=90)
    return folder


def picture(number: int) -> np.ndarray:
    """Return a smooth image with noise, uint8 `[375, 500, 3]`."""
    draws = Draws(0)
    one = np.array([number])
    colours = draws.uniform("colours", step=0, samples=one, view=0, count=3 * COARSE[0] * COARSE[1])
    small = Image.fromarray((255 * colours.reshape(*COARSE, 3)).astype(np.uint8))
    smooth = np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
    grain = draws.uniform("grain", step=0, samples=one, view=0, count=3 * WIDTH * HEIGHT)
    noisy = smooth + GRAIN * (2 * grain.reshape(HEIGHT, WIDTH, 3) - 1)
    return noisy.clip(0, 255).astype(np.uint8)
