"""The page of ops: what each mechanism is, and its parameters."""

from __future__ import annotations

from docs.generate.markdown import code, line, table
from eqspec.commands.show.card import OpPage, show
from eqspec.ops.find import FAMILIES, op_names

INTRODUCTION = """\
# Ops

An op is a mechanism: one Python file, `eqspec/ops/<family>/<name>.py`. Cards and specs name it with
`impl:` and set its parameters with `params:`. `eqspec list ops` and `eqspec show NAME` print the
same; [op contracts](contracts.md) lists what the file of an op declares.
"""


def page() -> str:
    """Return the page."""
    return "\n\n".join((INTRODUCTION.rstrip(), *map(_family, FAMILIES))) + "\n"


def _family(family: str) -> str:
    return "\n\n".join((f"## {family}", *(_op(family, name) for name in op_names(family))))


def _op(family: str, name: str) -> str:
    op = next(page for page in show(name, family=family) if isinstance(page, OpPage))
    parts = [f"### {name}", line(op.about.partition("\n\n")[0])]
    if op.parameters:
        rows = (
            (
                code(p.name),
                p.type,
                "*required*" if p.default is None else code(p.default),
                line(p.about),
            )
            for p in op.parameters
        )
        parts.append("\n".join(table(("parameter", "type", "default", "meaning"), rows)))
    return "\n\n".join(parts)
