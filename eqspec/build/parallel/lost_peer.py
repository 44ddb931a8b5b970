"""Loss of another process of a training, as distinct from a failure of this one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import distributed

from eqspec.errors import EqspecError, PeerLost

if TYPE_CHECKING:
    from eqspec.nn.world import World

_BACKENDS = ("gloo", "NCCL", "c10d")
"""Words in the messages of torch's collectives, some of which are plain RuntimeErrors."""


@contextmanager
def noticing_lost_peers(world: World) -> Generator[None]:
    """Turn errors of collectives inside the `with` block into `PeerLost`.

    Raises:
        PeerLost: another process has ended.
    """
    try:
        yield
    except RuntimeError as error:
        if world.size == 1 or isinstance(error, EqspecError):
            raise
        known = isinstance(error, distributed.DistError)
        if not known and not any(word in str(error) for word in _BACKENDS):
            raise
        raise PeerLost("another process of this training has ended") from error
