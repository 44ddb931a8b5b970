"""What the names and shapes of published weights tell of an encoder. Free of torch.

A backbone op may have `disagreements(params, shapes)`: what a file says otherwise than its
parameters do. It is asked before anything is loaded, so that a wrong card is named as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a tensor, as eqspec's encoders have it → its shape."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A parameter of which a file says another value.

    Attributes:
        here: as the backbone has it.
        there: as the file has it.
    """

    name: str
    here: object
    there: object

    def __str__(self) -> str:
        return f"`{self.name}` is {_said(self.here)} here and {_said(self.there)} in the file"


def compared(here: Mapping[str, object], there: Mapping[str, object]) -> Iterator[Disagreement]:
    """What is not the same, of all that the file tells."""
    for name, value in there.items():
        if here[name] != value:
            yield Disagreement(name, here[name], value)


def _said(value: object) -> str:
    """A value in words; whether there is something at all, as yes or no."""
    if isinstance(value, bool):
        return "there" if value else "absent"
    return str(value)
