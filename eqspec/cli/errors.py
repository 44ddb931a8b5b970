"""Draws diagnostics: code, place, excerpt with carets, help, notes; colour carries no meaning."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from eqspec.errors import Diagnostic, EqspecError, Place, Severity, SpecError
from eqspec.printable import on_one_line, printable

_WIDEST = 120
_MOST = 50  # what nobody reads to the end hides what stands above it
_STYLES = ((Severity.ERROR, "bold red"), (Severity.WARNING, "bold yellow"))


def render(diagnostics: Sequence[Diagnostic], *, colour: bool) -> str:
    """The first diagnostics, one below the other, and how many there are."""
    parts = [_diagnostic(diagnostic) for diagnostic in diagnostics[:_MOST]]
    more = len(diagnostics) - _MOST
    if more > 0:
        parts.append(Text(f"… and {more} more: `eqspec check SPEC --json` gives all of them"))
    return _printed(Text("\n\n").join([*parts, _summary(diagnostics)]), colour=colour)


def render_error(error: EqspecError, *, colour: bool) -> str:
    """Any error that eqspec explains itself; a `SpecError` with all of its diagnostics."""
    if isinstance(error, SpecError):
        return render(error.diagnostics, colour=colour)
    message = printable(error.message)  # what it lists has its own lines
    drawn = Text.assemble(("error", _style(Severity.ERROR)), (f": {message}", "bold"))
    if error.help:
        drawn.append_text(_remark("", "help", error.help))
    return _printed(drawn, colour=colour)


def _diagnostic(diagnostic: Diagnostic) -> Text:
    style = _style(diagnostic.severity)
    drawn = Text.assemble(
        (f"{diagnostic.severity.value}[{diagnostic.code}]", style),
        (f": {on_one_line(diagnostic.message)}", "bold"),
    )
    places = [place for place, _ in diagnostic.also]
    shown = [diagnostic.place, *places] if diagnostic.place else places
    margin = " " * max((len(str(place.line)) for place in shown), default=0)
    if diagnostic.place:
        drawn.append_text(_excerpt(f"{margin}-->", diagnostic.place, diagnostic.label, style=style))
    for place, label in diagnostic.also:
        drawn.append_text(_excerpt(f"{margin}:::", place, label, style="bold blue"))
    remarks = [("help", diagnostic.help)] if diagnostic.help else []
    remarks += [("note", note) for note in diagnostic.notes]
    if remarks and shown:
        drawn.append(f"\n{margin} |", "blue")
    for kind, text in remarks:
        drawn.append_text(_remark(margin, kind, text))
    return drawn


def _excerpt(arrow: str, place: Place, label: str, *, style: str) -> Text:
    margin = " " * (len(arrow) - 3)
    first, stop = place.column - 1, max(place.end_column - 1, place.column)
    left = max(0, first - _WIDEST // 2) if len(place.excerpt) > _WIDEST else 0
    window = slice(left, left + _WIDEST)
    lines = [(place.line, place.excerpt)]
    if place.before is not None and place.before.strip():
        lines.insert(0, (place.line - 1, place.before))
    drawn = Text.assemble(
        (f"\n{arrow} ", "blue"), on_one_line(str(place)), (f"\n{margin} |", "blue")
    )
    for line, text in lines:
        drawn.append(f"\n{line:>{len(margin)}} | ", "blue")
        drawn.append(on_one_line(text[window]).rstrip())
    indent = cell_len(on_one_line(place.excerpt[left:first])) + max(0, first - len(place.excerpt))
    width = max(1, cell_len(on_one_line(place.excerpt[first : min(stop, window.stop)])))
    drawn.append(f"\n{margin} | ", "blue")
    drawn.append(" " * indent + f"{'^' * width} {on_one_line(label)}".rstrip(), style)
    return drawn


def _remark(margin: str, kind: str, text: str) -> Text:
    return Text.assemble((f"\n{margin} = ", "blue"), (f"{kind}: ", "bold"), on_one_line(text))


def _summary(diagnostics: Sequence[Diagnostic]) -> Text:
    counts = {s: sum(d.severity is s for d in diagnostics) for s in Severity}
    said = [f"{n} {s.value}{'s' if n > 1 else ''}" for s, n in counts.items() if n]
    files = list(dict.fromkeys(d.place.file for d in diagnostics if d.place))
    where = f" in {on_one_line(', '.join(files))}" if files else ""
    stop = " Nothing was run." if counts[Severity.ERROR] else ""
    return Text(f"{', '.join(said)}{where}.{stop}")


def _style(severity: Severity) -> str:
    return next(style for known, style in _STYLES if known is severity)


def _printed(text: Text, *, colour: bool) -> str:
    if not colour:
        return text.plain
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system="standard", soft_wrap=True)
    console.print(text, end="")
    return screen.getvalue()
