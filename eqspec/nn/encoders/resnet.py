"""ResNet encoders that return tokens; batch norms use the global batch, per view.

He et al., Deep Residual Learning (arXiv:1512.03385), table 1, with the stride of a bottleneck on
its 3x3 convolution. Parameters are named as timm's and torchvision's, so published weights fit.
Legend: V views, B samples, C channels, H W image, N cells of the last feature map, D features.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.layers.batch_norm import GatheredBatchNorm
from eqspec.nn.layers.initialise import Constant, Normal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.world import World


class ResidualBlock(nn.Module):
    """Residual block: two 3x3 convolutions, or a bottleneck of three, and a shortcut.

    Args:
        before: number of input channels.
        after: number of output channels.
        stride: stride of the block.
        bottleneck: whether to use a bottleneck: three convolutions, the 3x3 one four times
            narrower.
        norm: factory of batch norms, called with the number of channels.
    """

    def __init__(
        self,
        before: int,
        after: int,
        *,
        stride: int,
        bottleneck: bool,
        norm: Callable[[int], GatheredBatchNorm],
    ) -> None:
        super().__init__()
        if bottleneck:
            inner = after // 4
            self.conv1 = _conv(before, inner, kernel=1)
            self.conv2 = _conv(inner, inner, kernel=3, stride=stride)
            self.conv3 = _conv(inner, after, kernel=1)
        else:
            inner = after
            self.conv1 = _conv(before, inner, kernel=3, stride=stride)
            self.conv2 = _conv(inner, after, kernel=3)
            self.conv3 = None
        self.bn1 = norm(inner)
        self.bn2 = norm(inner)
        self.bn3 = norm(after) if bottleneck else None
        reshapes = stride != 1 or before != after
        shortcut = [_conv(before, after, kernel=1, stride=stride), norm(after)] if reshapes else []
        self.downsample = nn.ModuleList(shortcut)

    def forward(self, x: Tensor, *, views: int = 1) -> Tensor:
        """Map a feature map `[V·B, C, H, W]` to the next one."""
        shortcut = x
        if self.downsample:
            conv, norm = self.downsample
            shortcut = norm(conv(x), views=views)
        x = functional.relu(self.bn1(self.conv1(x), views=views))
        x = self.bn2(self.conv2(x), views=views)
        if self.conv3 is not None and self.bn3 is not None:
            x = self.bn3(self.conv3(functional.relu(x)), views=views)
        return functional.relu(x + shortcut)


class ResNetTokens(nn.Module):
    """ResNet that returns tokens `[V·B, 1 + N, D]`: mean of the last feature map, then its cells.

    Args:
        blocks: number of blocks in each stage.
        bottleneck: whether blocks are bottlenecks.
        stem: `imagenet`, 7x7 with stride 2 and max-pooling; `cifar`, 3x3 without pooling.
        zero_init_last: whether the scale of each block's last norm starts at zero, so that blocks
            start as their shortcuts (arXiv:1706.02677, section 5.1).
        world: ranks that share a batch.
        group: batch statistics over consecutive groups of this many samples; None: the whole
            batch.
    """

    def __init__(
        self,
        *,
        blocks: tuple[int, int, int, int],
        bottleneck: bool,
        stem: Literal["imagenet", "cifar"],
        zero_init_last: bool,
        world: World,
        group: int | None = None,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.zero_init_last = zero_init_last
        norm = partial(GatheredBatchNorm, world=world, group=group, channel_axis=1)
        large = stem == "imagenet"
        self.conv1 = _conv(3, 64, kernel=7 if large else 3, stride=2 if large else 1)
        self.bn1 = norm(64)
        widths = [64, *(64 * 2**stage * (4 if bottleneck else 1) for stage in range(4))]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(
                before,
                after,
                count=count,
                first=after == widths[1],
                bottleneck=bottleneck,
                norm=norm,
            )
            for (before, after), count in zip(pairwise(widths), blocks, strict=True)
        )

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules: normal by fan-out (arXiv:1502.01852); last norms zero if configured."""
        rules: dict[str, Rule] = {}
        for name, part in self.named_modules():
            if isinstance(part, nn.Conv2d):
                fan_out = part.weight[:, 0].numel()
                rules[f"{name}.weight"] = Normal(math.sqrt(2.0 / fan_out))
            elif isinstance(part, ResidualBlock) and self.zero_init_last:
                last = "bn2" if part.bn3 is None else "bn3"
                rules[f"{name}.{last}.weight"] = Constant(0.0)
        return rules

    def compilable_blocks(self) -> list[nn.Module]:
        """Return the blocks, which are compiled one by one."""
        stages = (self.layer1, self.layer2, self.layer3, self.layer4)
        return [block for stage in stages for block in stage]

    def forward(self, *, images: Tensor, views: int = 1) -> Tensor:
        """Map images `[V·B, 3, H, W]` to tokens `[V·B, 1 + N, D]`."""
        x = functional.relu(self.bn1(self.conv1(images), views=views))
        if self.stem == "imagenet":
            x = functional.max_pool2d(x, kernel_size=3, stride=2, padding=1)
        for block in self.compilable_blocks():
            x = block(x, views=views)
        cells = x.flatten(2).mT
        return torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1)


def _conv(before: int, after: int, *, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)


def _stage(
    before: int,
    after: int,
    *,
    count: int,
    first: bool,
    bottleneck: bool,
    norm: Callable[[int], GatheredBatchNorm],
) -> nn.ModuleList:
    """Return the blocks of a stage; all stages but the first start by halving the feature map."""
    return nn.ModuleList(
        ResidualBlock(
            before if index == 0 else after,
            after,
            stride=2 if index == 0 and not first else 1,
            bottleneck=bottleneck,
            norm=norm,
        )
        for index in range(count)
    )
