"""Comparison of a backbone's parameters with the tensors of published weights. Free of torch.

A backbone op may have `disagreements(params, shapes)`, which infers parameters from the tensors and
returns those that differ. It is called before loading, so that the error names a wrong card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a tensor in eqspec's encoders → its shape."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A parameter whose value differs from that of a file.

    Attributes:
        here: value of the backbone.
        there: value of the file.
    """

    name: str
    here: object
    there: object

    def __str__(self) -> str:
        return f"`{self.name}` is {_shown(self.here)} here and {_shown(self.there)} in the file"


def compared(here: Mapping[str, object], there: Mapping[str, object]) -> Iterator[Disagreement]:
    """Yield the parameters of the file that differ."""
    for name, value in there.items():
        if here[name] != value:
            yield Disagreement(name, here[name], value)


def _shown(value: object) -> str:
    """Return a value in words; a truth value means presence."""
    if isinstance(value, bool):
        return "present" if value else "absent"
    return str(value)
