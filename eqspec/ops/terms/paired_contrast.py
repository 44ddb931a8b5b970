"""NT-Xent between predictions and their targets, each pair against all others of the batch.

EquiMod (arXiv:2211.01244), section 3: over the embeddings of all augmented views and their
predictions from the unaugmented image. Predictions and targets get gradients.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("predictions", many=True), Port("targets"))


class Params(OpParams):
    """Temperature.

    Attributes:
        temperature: divisor of the cosine similarities.
    """

    temperature: float = Field(gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {
                "predictions.0": stream("BD", 6),
                "predictions.1": stream("BD", 6),
                "targets": stream("VBD", 2, 6),
            },
            {"temperature": 0.2},
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from targets `[V, B, D]` and one prediction `[B, D]` of each view."""
    targets = need_axes(streams, "targets", "V", "B", "D")
    wanted = targets.without("V")
    predictions = [kind for port, kind in streams.items() if port.startswith("predictions.")]
    if len(predictions) != targets.size("V") or any(k.sizes != wanted.sizes for k in predictions):
        read = ", ".join(map(str, predictions))
        raise PortError("predictions", f"needs a stream {wanted} for each view, but reads {read}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.contrastive`."""
    from eqspec.nn.terms.contrastive import PairedContrast

    return PairedContrast(temperature=params.temperature, world=world)
