"""A plugin with masks: a dataset of squares and an evaluation that segments them.

Each is one op and one card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

DATASET = '''"""Images and masks in two folders of the same names."""
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eqspec.ops.image_files import ImageFiles, needed_folder
from eqspec.ops.op import DatasetParams
from eqspec.ops.targets.kinds import TargetKind, TargetType
from eqspec.ops.targets.mask import Mask

rev = 1
needs_folder = True
targets = (TargetType(TargetKind.MASK),)


class Params(DatasetParams):
    """No more than every dataset has."""


@dataclass(frozen=True, slots=True)
class Masked(ImageFiles):
    """Images whose pixels have classes."""

    def target(self, i, kind):
        assert kind is TargetKind.MASK
        name = self.files[i].replace("images/", "masks/")
        return Mask.decode(self.root / name)


def open(params, *, split, folder):
    root = needed_folder(folder, dataset="squares") / split
    files = sorted(p.relative_to(root).as_posix() for p in root.glob("images/*.png"))
    return Masked(root, tuple(files), ("ground", "square"))
'''

EVALUATION = '''"""Intersection over union of a 1x1 head on patch tokens of a frozen encoder."""
import numpy as np

from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.ops.fine_tuning import FineTune
from eqspec.ops.op import OpParams
from eqspec.ops.targets.kinds import TargetKind
from eqspec.spec.duration import PositiveDuration

rev = 1
needs_labels = False
targets = (TargetKind.MASK,)
trains = True
summary = Summary(title="segmentation by a linear head", metrics={"miou": "mIoU"})


class Params(OpParams):
    """The training."""

    length: PositiveDuration
    batch: int = 8
    steps: tuple[str, ...] = ("flip",)


def fine_tune(params, *, classes):
    tokens = {"apply": "encoder", "to": {"images": "global"}}
    method = {
        "card": "method", "name": "segmentation", "rev": 1, "about": "A 1x1 head.",
        "views": {"global": {"count": 1}},
        "modules": {
            "encoder": {"backbone": "from-spec", "frozen": True},
            "head": {"impl": "linear", "params": {"width": classes}},
        },
        "flow": {
            "tokens": tokens,
            "view": {"view": 0, "of": "tokens"},
            "patches": {"select": "patches", "of": "view"},
            "logits": {"apply": "head", "to": {"x": "patches"}},
        },
        "equivariance": {"refused": "it evaluates an encoder"},
        "terms": {
            "pixels": {
                "impl": "dense_classification", "x": "logits", "mask": "mask", "weight": 1.0
            }
        },
    }
    view = {
        "crop": {"scale": [0.5, 1.0]},
        "steps": [{"impl": step, "p": 0.5} for step in params.steps],
    }
    augment = {
        "card": "augmentation", "name": "crop", "rev": 1, "about": "Crop and flip.",
        "groups": {"global": {"views": [view]}},
    }
    train = {
        "length": str(params.length),
        "batch": params.batch,
        "optimizer": {"impl": "adamw", "params": {"lr": 0.03}},
        "schedule": {"impl": "constant"},
    }
    return FineTune(method=method, augment=augment, train=train)


class Segmentation:
    def run(self, bench):
        import torch

        from eqspec.nn.terms.dense_classification import enlarged

        shared, union, right = np.zeros(2), np.zeros(2), []
        for logits, targets in bench.outputs("held-out", stream="logits", target="mask"):
            mask = torch.from_numpy(targets["mask"])
            side = round(logits.shape[1] ** 0.5)
            pixels = enlarged(logits, grid=(side, side), size=mask.shape[1:])
            found = pixels.argmax(dim=1)
            for c in range(2):
                shared[c] += int(((found == c) & (mask == c)).sum())
                union[c] += int(((found == c) | (mask == c))[mask >= 0].sum())
        images = bench.described("held-out").images
        measured = Measurement("miou", float((shared / union).mean()), row="encoder", n=len(images))
        return ResultSet(
            (measured,),
            facts={"heldout_images": len(images), "heldout_sources": len(images)},
            arrays={"images": images},
        )


def build(params):
    return Segmentation()


def difference(a, b):
    return ()
'''

DATA_CARD = """card: dataset
rev: 1
about: Bright squares on noise, with masks.
impl: squares
facts: {classes: 2, mean: [0.3, 0.3, 0.3], std: [0.2, 0.2, 0.2]}
"""

EVALUATION_CARD = """card: evaluation
rev: 1
about: Segmentation of squares.
impl: toy_segmentation
params: {length: 40 steps}
"""


def write_squares(folder: Path) -> None:
    """Bright squares at places of their own, on a dark ground."""
    for split, count in (("train", 24), ("heldout", 8)):
        for part in ("images", "masks"):
            (folder / split / part).mkdir(parents=True)
        for i in range(count):
            generator = torch.Generator().manual_seed(1000 * count + i)
            image = torch.randint(0, 80, (40, 48, 3), generator=generator).numpy()
            top, left = torch.randint(0, 20, (2,), generator=generator).tolist()
            mask = np.zeros((40, 48), np.uint8)
            mask[top : top + 20, left : left + 24] = 1
            image[mask == 1] += 150
            Image.fromarray(image.astype(np.uint8)).save(folder / split / "images" / f"{i:02}.png")
            Image.fromarray(mask).save(folder / split / "masks" / f"{i:02}.png")


def write_plugin(root: Path) -> None:
    """Write images, a registry with two cards, and an installed package with two ops."""
    write_squares(root / "squares")
    for family, name, text in (
        ("datasets", "squares", DATA_CARD),
        ("evaluations", "toy-segmentation", EVALUATION_CARD),
    ):
        (root / "registry" / family).mkdir(parents=True)
        (root / "registry" / family / f"{name}.yaml").write_text(text)
    installed = root / "installed"
    (installed / "dense-1.dist-info").mkdir(parents=True)
    (installed / "dense_squares.py").write_text(DATASET)
    (installed / "dense_segmentation.py").write_text(EVALUATION)
    info = installed / "dense-1.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dense\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[eqspec.ops]\ndatasets.squares = dense_squares\n"
        "evaluations.toy_segmentation = dense_segmentation\n"
    )
