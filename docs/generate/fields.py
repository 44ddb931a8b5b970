"""The page of spec fields: the schema as tables, one for each key with fields below it."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate.markdown import code, line, table
from eqspec.commands.explain.schema_fields import field_of, field_paths

INTRODUCTION = """\
# Spec fields

A spec is one YAML file; unknown keys are errors. *Changes* tells whether a field changes what is
trained (`the weights`, part of the recipe id) or only `how it runs`. *Paper* is the value in
arXiv 2503.18753. `eqspec explain PATH` prints one row of these tables, `eqspec explain SPEC PATH`
the value that a spec has and where it comes from; `eqspec schema -o FILE` writes the JSON Schema
for editors.

Wherever a field takes a card's name (`use: NAME`), `with:` replaces single values of that card by
dotted path, and the card's own text may be given instead of the name.
"""

HEAD = ("field", "meaning", "unit", "default", "paper", "changes")


def page() -> str:
    """Return the page."""
    sections: dict[str, list[str]] = {}
    for path in field_paths():
        sections.setdefault(path.split(".")[0], []).append(path)
    single = [paths[0] for paths in sections.values() if len(paths) == 1]
    several = {name: paths for name, paths in sections.items() if len(paths) > 1}
    parts = [INTRODUCTION.rstrip(), _section("Fields of one value", single)]
    parts += [_section(f"`{name}`", paths) for name, paths in several.items()]
    return "\n\n".join(parts) + "\n"


def _section(title: str, paths: list[str]) -> str:
    return "\n".join((f"## {title}", "", *table(HEAD, _rows(paths))))


def _rows(paths: list[str]) -> Iterator[tuple[str, ...]]:
    for path in paths:
        field = field_of(tuple(path.split(".")))
        assert field is not None, "the path is the schema's own"
        default = "*required*" if field.default is None else code(field.default)
        yield (
            code(path),
            line(field.about),
            field.unit or "",
            default,
            line(field.paper or ""),
            field.changes,
        )
