"""The peers' augmentation, with given parameters: torchvision on PIL and on tensors, and kornia."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed.case import Contestant, Setting, Work
from benchmarks.speed.work.augmentation import Given, dataset, given, no_facts, plan_here

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's."""


@dataclass(frozen=True, slots=True)
class Views:
    """The result.

    Attributes:
        views: normalised, `[2, B, 3, S, S]`.
        between: in [0, 1], `[K, B, 3, S, S]`.
    """

    views: Tensor
    between: Tensor


def normalised(views: Tensor) -> Tensor:
    """Return views minus ImageNet's mean, over its standard deviation."""
    mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))
    return (views - mean) / std


Crop = Callable[[np.ndarray, tuple[int, int, int, int], int], Any]
Operation = Callable[[Any, str, Tensor], Any]


def pil_crop(image: np.ndarray, box: tuple[int, int, int, int], size: int) -> Any:
    """Return a crop as a PIL image."""
    from PIL import Image
    from torchvision.transforms import functional

    bicubic = functional.InterpolationMode.BICUBIC
    return functional.resized_crop(Image.fromarray(image), *box, [size, size], bicubic)


def pil_step(image: Any, name: str, theta: Tensor) -> Any:  # noqa: PLR0911 - PIL's
    """Apply a step of torchvision's first interface to a PIL image."""
    from PIL import ImageFilter
    from torchvision.transforms import functional

    match name:
        case "flip":
            return functional.hflip(image)
        case "color":
            brightness, contrast, saturation, hue = theta.tolist()
            image = functional.adjust_brightness(image, 1 + brightness)
            image = functional.adjust_contrast(image, 1 + contrast)
            image = functional.adjust_saturation(image, 1 + saturation)
            return functional.adjust_hue(image, hue)
        case "grayscale":
            return functional.rgb_to_grayscale(image, num_output_channels=3)
        case "blur":
            return image.filter(ImageFilter.GaussianBlur(float(theta)))
        case "solarise":
            return functional.solarize(image, 128)
    raise AssertionError(name)


def pil_turn(image: Any, degrees: float) -> Any:
    """Rotate a PIL image."""
    from torchvision.transforms import functional

    return functional.rotate(image, degrees, functional.InterpolationMode.BILINEAR)


def pil_tensor(image: Any) -> Tensor:
    """Return a PIL image as a tensor in [0, 1]."""
    from torchvision.transforms import functional

    return functional.to_tensor(image)


def tensor_crop(image: np.ndarray, box: tuple[int, int, int, int], size: int) -> Tensor:
    """Return a crop by torchvision's second interface, float32 `[3, S, S]` in [0, 1]."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional

    pixels = torch.from_numpy(image).permute(2, 0, 1)
    cut = functional.resized_crop(pixels, *box, [size, size], InterpolationMode.BICUBIC)
    return functional.to_dtype(cut, torch.float32, scale=True)


def tensor_step(image: Tensor, name: str, theta: Tensor) -> Tensor:  # noqa: PLR0911 - one a step
    """Apply a step of torchvision's second interface to a tensor `[3, S, S]`."""
    from torchvision.transforms.v2 import functional

    match name:
        case "flip":
            return functional.horizontal_flip(image)
        case "color":
            brightness, contrast, saturation, hue = theta.tolist()
            image = functional.adjust_brightness(image, 1 + brightness)
            image = functional.adjust_contrast(image, 1 + contrast)
            image = functional.adjust_saturation(image, 1 + saturation)
            return functional.adjust_hue(image, hue)
        case "grayscale":
            return functional.rgb_to_grayscale(image, num_output_channels=3)
        case "blur":
            return functional.gaussian_blur(image, [13, 13], [float(theta)] * 2)
        case "solarise":
            return functional.solarize(image, 128 / 255)
    raise AssertionError(name)


def tensor_turn(image: Tensor, degrees: float) -> Tensor:
    """Rotate a tensor `[3, S, S]`."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional

    return functional.rotate(image, degrees, InterpolationMode.BILINEAR)


def one_by_one(
    crops: Sequence[Sequence[Any]],
    given: Given,
    *,
    step: Operation,
    turn: Callable[[Any, float], Any],
    tensor: Callable[[Any], Tensor],
) -> Views:
    """Augment image by image, as a loader's worker does.

    Args:
        crops: of each view.
        tensor: image to a tensor in [0, 1].
    """
    done = [list(view) for view in crops]
    for view, steps in zip(done, given.steps, strict=True):
        for one in steps:
            for row, theta in zip(one.rows.tolist(), one.theta, strict=True):
                view[row] = step(view[row], one.name, theta)
    first = torch.stack([tensor(image) for image in done[0]])
    path = [
        torch.stack(
            [
                tensor(turn(image, fraction * degrees))
                for image, degrees in zip(done[1], given.degrees.tolist(), strict=True)
            ]
        )
        for fraction in given.fractions
    ]
    return Views(normalised(torch.stack([first, path[-1]])), torch.stack(path[:-1]))


def batched(crops: Sequence[Tensor], given: Given) -> Views:
    """Augment whole batches with kornia; the crops `[B, 3, S, S]` of each view are given."""
    from kornia.geometry.transform import rotate

    done: list[Tensor] = []
    for crop, steps in zip(crops, given.steps, strict=True):
        view = crop
        for one in steps:
            changed = kornia_step(view[one.rows], one.name, one.theta)
            view = view.index_copy(0, one.rows, changed)
        done.append(view)
    path = [rotate(done[1], fraction * given.degrees) for fraction in given.fractions]
    return Views(normalised(torch.stack([done[0], path[-1]])), torch.stack(path[:-1]))


def kornia_step(images: Tensor, name: str, theta: Tensor) -> Tensor:  # noqa: PLR0911 - one a step
    """Apply a step of kornia to images `[B, 3, S, S]`."""
    from kornia import enhance
    from kornia.color import rgb_to_grayscale
    from kornia.filters import gaussian_blur2d
    from kornia.geometry.transform import hflip

    match name:
        case "flip":
            return hflip(images)
        case "color":
            brightness, contrast, saturation, hue = theta.unbind(1)
            images = enhance.adjust_brightness_accumulative(images, 1 + brightness)
            images = enhance.adjust_contrast_with_mean_subtraction(images, 1 + contrast)
            images = enhance.adjust_saturation_with_gray_subtraction(images, 1 + saturation)
            return enhance.adjust_hue(images, 2 * torch.pi * hue)
        case "grayscale":
            return rgb_to_grayscale(images).expand_as(images)
        case "blur":
            return gaussian_blur2d(images, (13, 13), theta.expand(-1, 2))
        case "solarise":
            return enhance.solarize(images, 128 / 255)
    raise AssertionError(name)


def crops_of(given: Given, crop: Crop) -> list[list[Any]]:
    """Return the crops of each view."""
    return [
        [crop(image, box, given.size) for image, box in zip(given.images, boxes, strict=True)]
        for boxes in given.boxes
    ]


def with_pil(given: Given) -> Views:
    """Return the views by torchvision on PIL images."""
    crops = crops_of(given, pil_crop)
    return one_by_one(crops, given, step=pil_step, turn=pil_turn, tensor=pil_tensor)


def with_tensors(given: Given) -> Views:
    """Return the views by torchvision on tensors, image by image."""
    crops = crops_of(given, tensor_crop)
    return one_by_one(crops, given, step=tensor_step, turn=tensor_turn, tensor=lambda x: x)


def with_kornia(given: Given) -> Views:
    """Return the views by kornia on batches, of crops by torchvision."""
    return batched([torch.stack(view) for view in crops_of(given, tensor_crop)], given)


def peer(
    name: str,
    augment: Callable[[Given], Views],
    *,
    size: Callable[[Setting], tuple[int, int]],
    needs: tuple[str, ...] = (),
) -> Contestant:
    """Return a peer, which gets the parameters of eqspec."""

    def prepare(setting: Setting) -> Work:
        torch.set_num_threads(1)
        side, batch = size(setting)
        drawn = given(plan_here(setting, size=side, batch=batch), dataset(batch))
        return Work(lambda: no_facts(augment(drawn)))

    return Contestant(name, prepare, needs=needs)
