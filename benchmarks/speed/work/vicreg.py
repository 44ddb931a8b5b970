"""VICReg on a ViT, three times the same: eqspec, lightly, and timm with plain torch.

Two views of VICReg's augmentation, the mean of the patch tokens, a projector of three layers, the
loss with weights 25, 25 and 1, AdamW on all parameters. The peers' images are read by loader
workers, one per core. Nothing here but eqspec's spec is eqspec's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.speed.case import Contestant, Setting, Work
from benchmarks.speed.work.peer_training import Model, peer_training
from benchmarks.speed.work.training import WARM_UP, Size, machine, training

WIDTHS = (2048, 2048, 2048)
"""Of the projector."""

SAME = {"parameters": 1e-3, "loss": 0.15}
"""Agreement of the three: lightly's projector has other biases, and the views are drawn at random.

That the losses are the same function is tested on the same embeddings.
"""


@dataclass(frozen=True, slots=True)
class Encoder:
    """A ViT, by its name here and in timm.

    Attributes:
        card: of eqspec.
        timm: model of timm.
        width: features of a token.
    """

    card: str
    timm: str
    width: int


SMALL = Encoder("vit_small_patch16", "vit_small_patch16_224", 384)
TINY = Encoder("vit_tiny_patch16", "vit_tiny_patch16_224", 192)


def contestants(
    encoder: Encoder, *, precision: str, size: Callable[[Setting], Size]
) -> tuple[Contestant, ...]:
    """Return the three programs; their times are of `Size.steps` training steps."""
    return (
        ours(encoder, precision=precision, size=size),
        lightly(encoder, precision=precision, size=size),
        plain(encoder, precision=precision, size=size),
    )


def spec(encoder: Encoder, *, precision: str, size: Size, machine: str = "") -> str:
    """Return eqspec's spec of the training.

    Args:
        machine: its section of that name.
    """
    return f"""\
schema: 1
data: {{use: image-folder}}
image: {size.image}
augment: {{use: vicreg}}
backbone: {{use: {encoder.card}}}
method:
  use: vicreg_pooled
  with: {{projector.widths: {list(WIDTHS)}, invariance.weight: 25.0, variance.weight: 25.0}}
train:
  length: 100000 steps
  batch: {size.batch}
  precision: {precision}
  optimizer: {{impl: adamw, params: {{lr: 1.0e-4, weight_decay: 0.05}}}}
{machine}"""


def ours(
    encoder: Encoder,
    *,
    precision: str,
    size: Callable[[Setting], Size],
    name: str = "eqspec",
    constant: bool = False,
) -> Contestant:
    """Return eqspec, as `eqspec run` trains.

    Args:
        constant: train on one batch, which is read once.
    """

    def prepare(setting: Setting) -> Work:
        text = spec(encoder, precision=precision, size=size(setting), machine=machine(setting))
        file = name.replace(" ", "-")
        return training(text, name=file, size=size(setting), constant=constant)(setting)

    return Contestant(name, prepare, warm_up=WARM_UP)


def lightly(
    encoder: Encoder, *, precision: str, size: Callable[[Setting], Size], name: str = "lightly"
) -> Contestant:
    """Return lightly's transforms, head and loss in a loop of plain torch, as its examples have."""

    def prepare(setting: Setting) -> Work:
        from lightly.loss import VICRegLoss
        from lightly.models.modules.heads import VICRegProjectionHead
        from lightly.transforms.multi_view_transform import MultiViewTransform
        from lightly.transforms.vicreg_transform import VICRegViewTransform

        def view(blur: float, solarise: float) -> VICRegViewTransform:
            return VICRegViewTransform(
                input_size=size(setting).image,
                gaussian_blur=blur,
                solarize_prob=solarise,
                sigmas=(0.1, 2.0),
            )

        head = VICRegProjectionHead(encoder.width, WIDTHS[0], WIDTHS[-1], num_layers=len(WIDTHS))
        loss = VICRegLoss()
        model = Model(
            transform=MultiViewTransform([view(1.0, 0.0), view(0.1, 0.2)]),
            modules=nn.ModuleList([timm_encoder(encoder, size=size(setting)), head]),
            loss=lambda embeddings: loss(*embeddings),
        )
        return peer_training(model, setting=setting, size=size(setting), precision=precision)

    return Contestant(name, prepare, needs=("lightly",))


def plain(encoder: Encoder, *, precision: str, size: Callable[[Setting], Size]) -> Contestant:
    """Return timm and torchvision in a loop of plain torch."""

    def prepare(setting: Setting) -> Work:
        model = Model(
            transform=PlainViews(size(setting).image),
            modules=nn.ModuleList([timm_encoder(encoder, size=size(setting)), projector(encoder)]),
            loss=lambda embeddings: plain_loss(*embeddings),
        )
        return peer_training(model, setting=setting, size=size(setting), precision=precision)

    return Contestant("timm + torch", prepare)


class MeanOfPatches(nn.Module):
    """A ViT of timm that returns the mean of its patch tokens, `[B, D]`."""

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.vit = vit

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of images `[B, 3, H, W]`."""
        return self.vit(images)[:, 1:].mean(dim=1)


def timm_encoder(encoder: Encoder, *, size: Size) -> nn.Module:
    """Return timm's ViT without a classifier, with random weights."""
    import timm

    vit = timm.create_model(encoder.timm, num_classes=0, global_pool="", img_size=size.image)
    return MeanOfPatches(vit)


def projector(encoder: Encoder) -> nn.Module:
    """Return the projector: linear layers, with batch norm and ReLU between them."""
    first, second, last = WIDTHS
    return nn.Sequential(
        nn.Linear(encoder.width, first),
        nn.BatchNorm1d(first),
        nn.ReLU(inplace=True),
        nn.Linear(first, second),
        nn.BatchNorm1d(second),
        nn.ReLU(inplace=True),
        nn.Linear(second, last, bias=False),
    )


def plain_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return VICReg's loss of two views `[B, D]` (arXiv:2105.04906, equation 6)."""
    hinge = sum(functional.relu(1 - (z.var(dim=0) + 1e-4).sqrt()).mean() for z in (first, second))
    apart = sum(_squared_covariances(z) for z in (first, second))
    return 25 * functional.mse_loss(first, second) + 25 * hinge / 2 + apart


def _squared_covariances(z: Tensor) -> Tensor:
    centred = z - z.mean(dim=0)
    square = (centred.T @ centred / (len(z) - 1)).square()
    return (square.sum() - square.diagonal().sum()) / z.shape[1]


class PlainViews:
    """VICReg's two views with torchvision on PIL images."""

    def __init__(self, size: int) -> None:
        self.views = tuple(_plain_view(size, blur=b, solarise=s) for b, s in ((1, 0), (0.1, 0.2)))

    def __call__(self, image: object) -> list[Tensor]:
        """Return two views of an image, each `[3, size, size]`."""
        return [view(image) for view in self.views]


def _plain_view(size: int, *, blur: float, solarise: float):  # noqa: ANN202 - torchvision's
    from torchvision.transforms import v2

    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.08, 1.0)),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([PilBlur()], p=blur),
            v2.RandomSolarize(128, p=solarise),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )


class PilBlur(nn.Module):
    """Gaussian blur of a PIL image with σ between 0.1 and 2, as in lightly."""

    def forward(self, image):  # noqa: ANN001, ANN201 - PIL's image
        """Return the blurred image."""
        from PIL import ImageFilter

        sigma = float(torch.empty(()).uniform_(0.1, 2.0))
        return image.filter(ImageFilter.GaussianBlur(sigma))
