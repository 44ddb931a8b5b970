"""Whether a file is still the one that a plan was made with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eqspec.errors import UsageError


def check_digest(path: Path, *, sha256: str | None) -> None:
    """Refuses a file with another hash than the planned one.

    Raises:
        UsageError: when it has changed.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise UsageError(
            f"`{path}` has changed since the plan was made: its sha256 is {digest[:12]}…, not "
            f"{str(sha256)[:12]}…",
            help="plan again with the weights that are meant",
        )
