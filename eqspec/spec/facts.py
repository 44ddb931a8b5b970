"""Facts about a schema field beside its type: identity, unit, paper, axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import JsonValue

Identity = Literal["weights", "how"]
"""Whether a field changes the weights, or only how a training runs."""


def facts(
    *,
    identity: Identity | None = None,
    unit: str | None = None,
    paper: str | None = None,
    axes: Sequence[dict[str, JsonValue]] = (),
) -> dict[str, JsonValue]:
    """The extras of a field.

    Args:
        paper: the paper's value.
        axes: short names by which a grid varies it, see `axis`.
    """
    stated: dict[str, JsonValue] = {"identity": identity, "unit": unit, "paper": paper}
    stated["axes"] = list(axes) or None
    return {name: value for name, value in stated.items() if value is not None}


def axis(
    name: str,
    *,
    below: str | None = None,
    study: Sequence[JsonValue] = (),
    instead_of: str | None = None,
) -> dict[str, JsonValue]:
    """A short name by which a grid varies a field; `stated_axes` reads it.

    Args:
        below: dotted path from the field to the value that varies.
        study: the values that the paper tries.
        instead_of: an alternative field beside this one.
    """
    stated: dict[str, JsonValue] = {"below": below, "study": list(study), "instead_of": instead_of}
    return {"name": name, **{key: value for key, value in stated.items() if value}}


def stated_axes(extra: object) -> list[dict[str, Any]]:
    """Return the axes in the extras of a field, each as `axis` states it."""
    return extra.get("axes", []) if isinstance(extra, dict) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - written by `facts`
