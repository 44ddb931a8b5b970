"""Two augmented views and the images of a rotation between them, by eqspec and by its peers.

All begin with decoded images in memory and end with normalised views `[2, B, 3, S, S]` and the
path's images `[2, B, 3, S, S]`. The peers get the parameters that eqspec has drawn, so they do the
same arithmetic; drawing costs them nothing. One thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed.case import Contestant, Setting, Work
from benchmarks.speed.work.pictures import picture, pictures
from benchmarks.speed.work.training import plan_of, spec_file


@dataclass(frozen=True, slots=True)
class InMemory:
    """A dataset of decoded images."""

    images: tuple[np.ndarray, ...]

    @property
    def labels(self) -> None:
        """None: there are no classes."""
        return

    @property
    def classes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def sources(self) -> np.ndarray:
        """Every image is its own source."""
        return np.arange(len(self.images), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.images)

    def image(self, i: int) -> np.ndarray:
        """Return an image, uint8 `[H, W, 3]`."""
        return self.images[i]

    def fingerprint(self) -> str:
        """Return a constant."""
        return "in memory"


@dataclass(frozen=True, slots=True)
class Step:
    """One augmentation step of a view.

    Attributes:
        rows: images that it is applied to.
        theta: their parameters, `[rows, P]`.
    """

    name: str
    rows: Tensor
    theta: Tensor


@dataclass(frozen=True, slots=True)
class Given:
    """Parameters of a batch.

    Attributes:
        images: uint8 `[H, W, 3]` each.
        boxes: of each view, (top, left, height, width) in whole pixels.
        steps: of each view, in order.
        degrees: `[B]`, of the rotation of the second view.
        fractions: of the path, the whole rotation last.
    """

    size: int
    images: tuple[np.ndarray, ...]
    boxes: tuple[tuple[tuple[int, int, int, int], ...], ...]
    steps: tuple[tuple[Step, ...], ...]
    degrees: Tensor
    fractions: tuple[float, ...]


def plan_here(setting: Setting, *, size: int, batch: int):  # noqa: ANN201 - eqspec's plan
    """Return the plan whose augmentation is measured."""
    text = f"""\
schema: 1
data: {{use: image-folder}}
image: {size}
augment: {{use: vicreg}}
backbone: {{use: vit_tiny_patch16}}
method: {{use: vicreg}}
equivariance:
  use: intermediate-reconstruction
  transform: {{use: rot}}
  images: 2
  border: zeros
train: {{length: 100 steps, batch: {batch}}}
machine: {{compile: "off", workers: 0, device: cpu}}
"""
    data = pictures(setting.folder / "pictures", count=batch)
    plan = plan_of(spec_file(text, folder=setting.folder, name="augmentation"), data=data)
    train = plan.train.model_copy(update={"steps_per_epoch": 1})
    return plan.model_copy(update={"train": train})


def dataset(batch: int) -> InMemory:
    """Return the decoded images of one batch."""
    return InMemory(tuple(picture(number) for number in range(batch)))


def own_batch(plan, images: InMemory):  # noqa: ANN001, ANN201 - eqspec's plan and batch
    """Return eqspec's batch of crops."""
    from eqspec.build.data.loader import batches

    return next(batches(plan, images, seed=0, start_step=0, steps=1))


def own_views(plan):  # noqa: ANN001, ANN201 - eqspec's plan and views
    """Return eqspec's views."""
    from eqspec.build.views.on_device import DeviceViews

    return DeviceViews(plan.views, seed=0, device="cpu")


def given(plan, images: InMemory) -> Given:  # noqa: ANN001 - eqspec's plan
    """Return the parameters that eqspec draws for the batch."""
    from eqspec.build.views.steps import build_path, build_steps
    from eqspec.nn.random.philox import Draws

    batch, draws, views = own_batch(plan, images), Draws(0), plan.views
    names = [(v.group, v.index) for v in views.views]
    steps = tuple(
        tuple(
            Step(step.name, torch.from_numpy(done.rows), torch.from_numpy(done.theta).float())
            for step in build_steps(view)
            if len((done := step.draw(draws, batch)).rows)
        )
        for view in views.views
    )
    shown = tuple(images.image(int(sample)) for sample in batch.samples)
    degrees = torch.from_numpy(build_path(views.path, views).draw(draws, batch)[:, 0]).float()
    return Given(
        size=plan.image,
        images=shown,
        boxes=tuple(tuple(_boxes(batch.boxes[name], shown)) for name in names),
        steps=steps,
        degrees=degrees,
        fractions=(*views.path.fractions, 1.0),
    )


def _boxes(shares: np.ndarray, images: Sequence[np.ndarray]) -> Iterator[tuple[int, int, int, int]]:
    for (left, top, wide, high), image in zip(shares, images, strict=True):
        height, width = image.shape[:2]
        yield (
            round(top * height),
            round(left * width),
            max(1, round(high * height)),
            max(1, round(wide * width)),
        )


def eqspec_alone(size: Callable[[Setting], tuple[int, int]]) -> Contestant:
    """Return eqspec's crops and views, with its own draws."""

    def prepare(setting: Setting) -> Work:
        torch.set_num_threads(1)
        side, batch = size(setting)
        plan, images = plan_here(setting, size=side, batch=batch), dataset(batch)
        views = own_views(plan)
        return Work(lambda: no_facts(views(own_batch(plan, images))))

    return Contestant("eqspec", prepare)


def no_facts(_: object) -> dict[str, float]:
    """Return no facts of a turn."""
    return {}
