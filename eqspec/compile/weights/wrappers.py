"""Prefixes and infixes that torch or training code adds to the tensor names of a network.

Parallel training and compilation insert names of their own (`module.`, `_orig_mod.`), anywhere;
training code puts the network under a key or an attribute (`state_dict`, `model.`, `backbone.`), at
the front. Both are stripped only where a layout then fits. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

INSERTED = (
    ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"),
    ("module",),
)
"""By torch.compile, FSDP and Lightning; and by DDP, whose name some layouts have in theirs."""

LEADING = (
    "state_dict", "model_state_dict", "state_dict_ema", "model", "model_ema", "ema", "net",
    "network", "backbone", "encoder", "vit", "student", "teacher", "student_backbone",
    "teacher_backbone", "target_encoder", "base_encoder", "momentum_encoder", "encoder_q",
    "encoder_k", "online_encoder",
)  # fmt: skip
"""Keys and attributes under which training code stores an encoder or its parent."""

DEEPEST, MOST = 4, 32
"""Limits on nested wrappers, and on combinations that are tried."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Names with wrappers removed.

    Attributes:
        inserted: names that were taken out, wherever they stood.
        leading: what was taken from the front; names that begin otherwise are left out.
        names: that are left → as they stand in the file.
    """

    inserted: tuple[str, ...] = ()
    leading: str = ""
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The removed prefixes, outermost first."""
        return tuple(part for part in re.split(r"[./]", self.leading) if part)


def without(name: str, inserted: Collection[str]) -> str:
    """A name without inserted parts."""
    if not inserted:
        return name
    named = "|".join(re.escape(one) for one in inserted)
    return re.sub(rf"(?:^|(?<=[./]))(?:{named})[./]", "", name)


def unwrapped(
    names: Collection[str], *, fits: Callable[[Collection[str]], bool]
) -> tuple[Unwrapped, ...]:
    """Return the readings of a file in which its names fit, with as little removed as possible.

    Args:
        fits: whether names are those of a known layout.

    Returns:
        One way, or several where several networks in the file fit; none where nothing does.
    """
    inserted: tuple[str, ...] = ()
    for more in ((), *INSERTED):
        inserted += more
        bare = {without(name, inserted): name for name in names}
        found = tuple(_stripped(bare, inserted, fits=fits)) if len(bare) == len(names) else ()
        if found:
            return found
    return ()


def _stripped(
    bare: Mapping[str, str],
    inserted: tuple[str, ...],
    *,
    fits: Callable[[Collection[str]], bool],
) -> Iterator[Unwrapped]:
    """The shortest prefixes without which names fit, breadth first."""
    waiting: list[tuple[str, int]] = [("", 0)]
    for tried, (leading, depth) in enumerate(waiting):
        if tried == MOST:
            return
        inside = {n[len(leading) :]: raw for n, raw in bare.items() if n.startswith(leading)}
        if fits(inside):
            yield Unwrapped(inserted, leading, inside)
        elif depth < DEEPEST:
            starts = {m[0] for name in inside if (m := re.match(r"\w+[./]", name))}
            known = [start for start in sorted(starts) if start[:-1] in LEADING]
            waiting += [(leading + start, depth + 1) for start in known]
