"""Diagnostics as workflow commands of GitHub Actions, which shows them next to the lines."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.errors import Diagnostic


def workflow_commands(found: Sequence[Diagnostic]) -> str:
    """Return one command per line: ``::error file=x.yaml,line=3,col=5,title=EQ001::…``."""
    return "\n".join(_annotation(diagnostic) for diagnostic in found)


def _annotation(diagnostic: Diagnostic) -> str:
    where = {"title": diagnostic.code}
    location = diagnostic.location
    if location is not None and not location.file.startswith(
        "<"
    ):  # a command-line argument has no file
        where = {
            "file": location.file,
            "line": str(location.line),
            "col": str(location.column),
            "endColumn": str(location.end_column),
            **where,
        }
    elif location is not None:
        where["title"] += f" {location.excerpt}"
    properties = ",".join(f"{key}={_property(value)}" for key, value in where.items())
    return f"::{diagnostic.severity.value} {properties}::{_text(_message(diagnostic))}"


def _message(diagnostic: Diagnostic) -> str:
    """Return the whole diagnostic except the excerpt: GitHub shows the line itself."""
    seconds = [f"{location}: {label}" for location, label in diagnostic.also]
    help_ = [f"help: {diagnostic.help}"] if diagnostic.help else []
    notes = [f"note: {note}" for note in diagnostic.notes]
    return "\n".join([diagnostic.message, *seconds, *help_, *notes])


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
