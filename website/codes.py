"""The page of diagnostic codes."""

from __future__ import annotations

from eqspec.spec.codes import CODES
from website.markdown import line

INTRODUCTION = """\
# Diagnostic codes

Every problem of a spec is reported with a code, its location in the file, and what to do. Codes
from EQ501 are warnings: legal, but worth a second look. `eqspec explain CODE` prints these texts.
"""


def page() -> str:
    """Return the page."""
    each = (f"## {c.code}: {c.title}\n\n{line(c.explanation)}" for c in CODES.values())
    return "\n\n".join((INTRODUCTION.rstrip(), *each)) + "\n"
