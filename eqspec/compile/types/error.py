"""The error of the compiler's stages, before its place in a file is known."""

from __future__ import annotations

from eqspec.spec.node import KeyPath


class GraphError(Exception):
    """A graph does not fit together.

    Attributes:
        path: where in the spec or a card (``("flow", "z")``); `eqspec.compile.lookup.locate`
            finds it.
        help: what to do about it.
        card: the card that the path leads into, by its place in the spec (``transform``), where
            the path alone would not say.
        code: of the diagnostic.
    """

    def __init__(
        self,
        path: KeyPath,
        message: str,
        *,
        help: str | None = None,  # noqa: A002 - as in EqspecError
        card: str | None = None,
        code: str = "EQ030",
    ) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.help = help
        self.card = card
        self.code = code
