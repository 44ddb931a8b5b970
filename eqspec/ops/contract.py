"""What the module of an op has to state, family by family. Free of torch.

Every op states `rev`, `Params` and a docstring (`eqspec.ops.op`); to these each family adds what is
called of it. The contract tests hold every op that ships to what the names promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_EVERY = ("rev", "Params")
_IN_GRAPHS = ("ports", "shapes", "build")

STATED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "backbones": _IN_GRAPHS,
        "heads": _IN_GRAPHS,
        "decoders": _IN_GRAPHS,
        "terms": _IN_GRAPHS,
        "transforms": ("path", "kind", "names", "identity", "ranges", "build"),
        "relations": ("latents", "names", "encode"),
        "masks": ("shapes", "draw"),
        "datasets": ("open",),
        "optimizers": ("build",),
        "schedules": ("value", "extent"),
        "evaluations": ("headline", "difference", "needs_labels", "build"),
    }
)
"""Family → what its ops state beside what every op does. The families are the folders under
`eqspec/ops/`, one for each kind of mechanism."""


def stated(family: str) -> tuple[str, ...]:
    """Every name that an op of this family has to state."""
    return (*_EVERY, *STATED[family])


def not_stated(op: ModuleType, *, family: str) -> tuple[str, ...]:
    """Names that an op of this family would have to state, and does not."""
    missing = tuple(name for name in stated(family) if not hasattr(op, name))
    return missing if (op.__doc__ or "").strip() else (*missing, "__doc__")
