"""The line that is published with a paper: the seal of one run, in a format of its own version.

    eqspec-seal 1 quickstart 7f3a9c21-s0 sha256:5d1c…

The fields are: the version of the format, the name of the spec, the first 8 digits of the recipe
with the seed, and the SHA-256 of `record.json`. White space and `%` in a name are written as in a
URL. Between fields any white space is read, since a PDF may break the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from eqspec.errors import UsageError
from eqspec.runs.record import RECORD

if TYPE_CHECKING:
    from eqspec.runs.folder import Identity

FORMAT = 1
"""Version of the line."""

EXAMPLE = f"eqspec-seal {FORMAT} NAME RECIPE-sSEED sha256:HASH"

_WORD = "eqspec-seal"
_VERSION = re.compile(rf"(?<!\S){_WORD}\s+(\d+)\b")
_LINE = re.compile(
    rf"(?<!\S){_WORD}\s+{FORMAT}\s+(\S+)\s+([0-9a-f]{{8}})-s(\d+)\s+sha256:([0-9a-f]{{64}})(?!\w)"
)
_HASH_LINE = re.compile(rf"^([0-9a-f]{{64}})  ?\*?{re.escape(RECORD)}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SealedRun:
    """The run that a published seal names.

    Attributes:
        spec: name of its spec.
        recipe: the first 8 digits.
    """

    spec: str
    recipe: str
    seed: int

    @classmethod
    def of(cls, identity: Identity) -> SealedRun:
        """Return the name of a run in a folder."""
        return cls(identity.name, identity.recipe[:8], identity.seed)

    def __str__(self) -> str:
        return f"{self.spec} {self.recipe}-s{self.seed}"


@dataclass(frozen=True, slots=True)
class PublishedSeal:
    """A published seal.

    Attributes:
        sha256: of `record.json`.
        run: None for the line of a `record.sha256`, which names no run.
    """

    sha256: str
    run: SealedRun | None

    @property
    def line(self) -> str:
        """The line to publish; that of `record.sha256` if no run is named."""
        if self.run is None:
            return f"{self.sha256}  {RECORD}"
        spec = "".join(quote(c, safe="") if c.isspace() or c == "%" else c for c in self.run.spec)
        label = f"{self.run.recipe}-s{self.run.seed}"
        return f"{_WORD} {FORMAT} {spec} {label} sha256:{self.sha256}"


def seals_in(text: str) -> tuple[PublishedSeal, ...]:
    """Return the different seals in a text, in its order; none if there is none.

    Raises:
        UsageError: if it has only lines in another version of the format.
    """
    named = [
        PublishedSeal(digest, SealedRun(unquote(spec), recipe, int(seed)))
        for spec, recipe, seed, digest in _LINE.findall(text)
    ]
    plain = [PublishedSeal(digest, None) for digest in _HASH_LINE.findall(text)]
    found = tuple(dict.fromkeys([*named, *plain]))
    versions = [version for version in _VERSION.findall(text) if int(version) != FORMAT]
    if versions and not found:
        raise UsageError(
            f"the seal has version {versions[0]} of its format; this eqspec reads version {FORMAT}",
            help="read it with the eqspec that printed it, or a newer one",
        )
    return found
