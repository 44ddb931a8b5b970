"""Declarations of ops of every family."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Protocol

from eqspec.ops.op import OpParams


class Op(Protocol):
    """An op: one Python file with a mechanism and its parameters.

    Attributes:
        rev: raised when the op's numbers change.
    """

    rev: int

    @property
    @abstractmethod
    def Params(self) -> type[OpParams]:  # noqa: N802 - a class
        """Class of the op's parameters, with neutral defaults."""
        ...

    @property
    @abstractmethod
    def about(self) -> str:
        """The docstring of the op's file: a sentence, then the source of the mechanism."""
        ...

    @property
    @abstractmethod
    def file(self) -> Path:
        """The op's file; filled in by the lookup."""
        ...
