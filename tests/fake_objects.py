"""A tiny 3DIEBench: rendered coloured tetrahedra with their latents."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from eqspec.nn.random.philox import Draws

CORNERS = np.array([[1.0, 0.0, 0.0], [-0.5, 0.9, 0.1], [-0.3, -0.6, 0.7], [-0.2, -0.3, -0.9]])
FACES = ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))
COLOURS = np.array([[230, 60, 50], [60, 200, 70], [60, 90, 230], [230, 210, 60]]) / 255

SPAN = np.array([np.pi, np.pi, np.pi, 1.0, np.pi / 4, 2 * np.pi, 1.0])
"""Widths of the latents' ranges; angles lie about 0, the others above it."""


def rotation(angles: np.ndarray) -> np.ndarray:
    """The matrix `[3, 3]` of turns about the fixed axes x, then y, then z."""
    (a, b, c), one = angles, np.eye(3)
    x, y, z = one.copy(), one.copy(), one.copy()
    x[1:, 1:] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    y[::2, ::2] = [[np.cos(b), np.sin(b)], [-np.sin(b), np.cos(b)]]
    z[:2, :2] = [[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]]
    return z @ y @ x


def drawn_latents(number: int, *, views: int) -> np.ndarray:
    """Latents of the views of an object, `[views, 7]`."""
    uniforms = Draws(3).uniform("poses", step=number, samples=np.arange(views), view=0, count=7)
    return (uniforms - [0.5, 0.5, 0.5, 0, 0, 0, 0]) * SPAN


def rendered(latents: np.ndarray, *, slimness: float, side: int) -> Image.Image:
    """A tetrahedron in the pose that the latents say, far faces first."""
    floor = np.array(colorsys.hsv_to_rgb(latents[3], 0.6, 0.6))
    light = 0.5 + 0.5 * np.array(colorsys.hsv_to_rgb(latents[6], 1.0, 0.8))
    image = Image.new("RGB", (side, side), _colour(floor))
    turned = CORNERS * [1, slimness, 1] @ rotation(latents[:3]).T
    for face in sorted(range(4), key=lambda f: turned[list(FACES[f]), 2].mean()):
        points = (0.5 + 0.4 * turned[list(FACES[face]), :2]) * side
        fill = _colour(COLOURS[face] * light)
        ImageDraw.Draw(image).polygon([(x, y) for x, y in points.tolist()], fill=fill)
    return image


def _colour(rgb: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (rgb * 255).astype(int).tolist()
    return red, green, blue


def objects(
    root: Path,
    *,
    train: int = 6,
    heldout: int = 2,
    views: int = 2,
    latents: int = 3,
    side: int = 40,
) -> Path:
    """Objects of two classes by turns; the lists of the splits lie beside them, in no order."""
    names = [f"/{('00000012', '00000007')[n % 2]}/object{n}/" for n in range(train + heldout)]
    for number, name in enumerate(names):
        folder = root / name.strip("/")
        folder.mkdir(parents=True)
        for k, values in enumerate(drawn_latents(number, views=views)):
            slimness = 1 - 0.5 * number / len(names)
            picture = rendered(values, slimness=slimness, side=side)
            picture.save(folder / f"image_{k}.jpg", quality=95)
            np.save(folder / f"latent_{k}.npy", values[:latents])
    np.save(root / "train_images.npy", np.array(names[:train][::-1]))
    np.save(root / "val_images.npy", np.array(names[train:]))
    return root


DATA = (
    "{card: dataset, rev: 1, about: A few tetrahedra., impl: latent_views, "
    "params: {views: 4, latents: 7}, facts: {count: 20, heldout: 4, classes: 2, image: 32, "
    "mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}}"
)
"""How a spec names twenty such objects, four held out, in four views of all latents each."""
