"""The page of diagnostic codes."""

from __future__ import annotations

from docs.generate.markdown import line
from eqspec.spec.codes.all_codes import CODES
from eqspec.spec.codes.code import Code

INTRODUCTION = """\
# Diagnostic codes

Every problem of a spec is reported with a code, its location in the file, and what to do. Codes
from EQ501 are warnings: legal, but worth a second look. `eqspec explain CODE` prints these texts.
"""


def page() -> str:
    """Return the page."""
    return "\n\n".join((INTRODUCTION.rstrip(), *map(_section, CODES.values()))) + "\n"


def _section(code: Code) -> str:
    """Return the text of a code, with its example."""
    return "\n\n".join(
        (
            f"## {code.code}: {code.title}",
            line(f"{code.what} {code.why}"),
            line(f"**To fix it:** {code.fix}"),
            f"```yaml\n{code.wrong}  # wrong\n{code.right}  # right\n```",
        )
    )
