"""Words for the samples of a dataset and for their sources. Free of torch.

A dataset op may declare `sample_unit` and `source_unit`; both are images by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from eqspec.nn.readouts.measurement import IMAGES, SOURCES
from eqspec.ops.find import UnknownOp, find_dataset


@dataclass(frozen=True, slots=True)
class Units:
    """Words for the samples of a dataset, in the plural.

    Attributes:
        samples: ``images``, ``crops``, ``objects``.
        sources: the sources of the samples; the same word if each sample is its own source.
    """

    samples: str = "images"
    sources: str = "images"

    @property
    def words(self) -> Mapping[str, str]:
        """The evaluations' words → the dataset's."""
        return MappingProxyType({IMAGES: self.samples, SOURCES: self.sources})


IMAGES_ALONE = Units()


def units(impl: str) -> Units:
    """Return the words of a dataset op; those for images if it is not installed."""
    try:
        op = find_dataset(impl)
    except UnknownOp:
        return IMAGES_ALONE
    return Units(samples=f"{op.sample_unit}s", sources=f"{op.source_unit}s")
