"""Check that a file of weights is the one of a plan."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eqspec.errors import UsageError


def check_digest(path: Path, *, sha256: str | None) -> None:
    """Refuse a file whose hash is not the planned one.

    Raises:
        UsageError: it has changed.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise UsageError(
            f"`{path}` has changed since it was planned: its sha256 is {digest[:12]}…, not "
            f"{str(sha256)[:12]}…",
            help="plan again with the right weights",
        )
