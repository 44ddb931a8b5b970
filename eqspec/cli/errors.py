"""Render diagnostics: code, location, excerpt with carets, help and notes.

Colour only decorates: the text reads the same without it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from eqspec.cli.columns import wrap
from eqspec.errors import Diagnostic, EqspecError, Location, Severity, SpecError
from eqspec.printable import on_one_line, printable

_WIDEST = 120
_MOST = 50  # a longer list would scroll the first errors off the screen
_STYLES = ((Severity.ERROR, "bold red"), (Severity.WARNING, "bold yellow"))


def render(diagnostics: Sequence[Diagnostic], *, colour: bool, width: int | None = None) -> str:
    """Render the first 50 diagnostics and the total counts.

    Args:
        width: wrap text at this many columns; None for no wrapping.
    """
    parts = [_diagnostic(diagnostic, width=width) for diagnostic in diagnostics[:_MOST]]
    more = len(diagnostics) - _MOST
    if more > 0:
        parts.append(Text(f"… and {more} more: `eqspec check SPEC --json` lists all of them"))
    summary = _filled(_summary(diagnostics), width=width)
    return _printed(Text("\n\n").join([*parts, summary]), colour=colour)


def render_error(error: EqspecError, *, colour: bool, width: int | None = None) -> str:
    """Render any eqspec error; a `SpecError` with its diagnostics."""
    if isinstance(error, SpecError):
        return render(error.diagnostics, colour=colour, width=width)
    message = printable(error.message)  # lists in a message have lines of their own
    drawn = Text.assemble(("error", _style(Severity.ERROR)), (f": {message}", "bold"))
    drawn = Text("\n").join(_filled(line, width=width) for line in drawn.split("\n"))
    if error.help:
        drawn.append_text(_remark("", "help", error.help, width=width))
    return _printed(drawn, colour=colour)


def _diagnostic(diagnostic: Diagnostic, *, width: int | None) -> Text:
    style = _style(diagnostic.severity)
    title = Text.assemble(
        (f"{diagnostic.severity.value}[{diagnostic.code}]", style),
        (f": {on_one_line(diagnostic.message)}", "bold"),
    )
    drawn = _filled(title, width=width)
    places = [location for location, _ in diagnostic.also]
    shown = [diagnostic.location, *places] if diagnostic.location else places
    margin = " " * max((len(str(location.line)) for location in shown), default=0)
    if diagnostic.location:
        first = (f"{margin}-->", diagnostic.location, diagnostic.label)
        drawn.append_text(_excerpt(*first, style=style, width=width))
    for location, label in diagnostic.also:
        drawn.append_text(_excerpt(f"{margin}:::", location, label, style="bold blue", width=width))
    remarks = [("help", diagnostic.help)] if diagnostic.help else []
    remarks += [("note", note) for note in diagnostic.notes]
    if remarks and shown:
        drawn.append(f"\n{margin} |", "blue")
    for kind, text in remarks:
        drawn.append_text(_remark(margin, kind, text, width=width))
    return drawn


def _excerpt(arrow: str, location: Location, label: str, *, style: str, width: int | None) -> Text:
    margin = " " * (len(arrow) - 3)
    first, stop = location.column - 1, max(location.end_column - 1, location.column)
    widest = _WIDEST if width is None else min(_WIDEST, width - len(margin) - 3)
    left = max(0, first - widest // 2) if len(location.excerpt) > widest else 0
    shown = slice(left, left + widest)
    lines = [(location.line, _clipped(location.excerpt, shown, around=slice(first, stop)))]
    before = _clipped(location.before or "", shown, around=slice(left, left))
    if before.strip(" …"):
        lines.insert(0, (location.line - 1, before))
    drawn = Text.assemble(
        (f"\n{arrow} ", "blue"), on_one_line(str(location)), (f"\n{margin} |", "blue")
    )
    for line, text in lines:
        drawn.append(f"\n{line:>{len(margin)}} | ", "blue")
        drawn.append(on_one_line(text).rstrip())
    indent = cell_len(on_one_line(location.excerpt[left:first])) + max(
        0, first - len(location.excerpt)
    )
    carets = "^" * max(1, cell_len(on_one_line(location.excerpt[first : min(stop, shown.stop)])))
    for text in _labelled(
        indent, carets, on_one_line(label), width=None if width is None else widest
    ):
        drawn.append(f"\n{margin} | ", "blue").append(text, style)
    return drawn


def _clipped(text: str, shown: slice, *, around: slice) -> str:
    """Return a part of a line; a word cut at either end is replaced by `…` of the same width."""
    part, left = text[shown], shown.start
    if left:
        end = part.find(" ")
        if 0 <= end < around.start - left:
            part = "…" + " " * end + part[end + 1 :]
    if shown.stop < len(text):
        start = part.rfind(" ")
        if start >= around.stop - left:
            part = f"{part[:start]} …"
    return part


def _labelled(indent: int, carets: str, label: str, *, width: int | None) -> list[str]:
    """Put the label beside its carets, or below them if there is no room."""
    line = f"{carets} {label}".rstrip()
    if width is None or indent + cell_len(line) <= width:
        return [" " * indent + line]
    start = min(indent, width // 2)
    below = [part.plain for part in wrap(Text(label), width=width - start)]
    return [" " * indent + carets, *(" " * start + part for part in below)]


def _remark(margin: str, kind: str, text: str, *, width: int | None) -> Text:
    remark = Text.assemble((f"{margin} = ", "blue"), (f"{kind}: ", "bold"), on_one_line(text))
    return Text("\n") + _filled(remark, width=width, hang=len(margin) + 3)


def _filled(text: Text, *, width: int | None, hang: int = 2) -> Text:
    return text if width is None else Text("\n").join(wrap(text, width=width, hang=hang))


def _summary(diagnostics: Sequence[Diagnostic]) -> Text:
    from eqspec.spec.phrases import counted  # imported late to keep `--help` fast

    counts = {s: sum(d.severity is s for d in diagnostics) for s in Severity}
    totals = [counted(n, s.value) for s, n in counts.items() if n]
    files = list(dict.fromkeys(d.location.file for d in diagnostics if d.location))
    where = f" in {on_one_line(', '.join(files))}" if files else ""
    stop = " Nothing was run." if counts[Severity.ERROR] else ""
    return Text(f"{', '.join(totals)}{where}.{stop}")


def _style(severity: Severity) -> str:
    return next(style for known, style in _STYLES if known is severity)


def _printed(text: Text, *, colour: bool) -> str:
    if not colour:
        return text.plain
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system="standard", soft_wrap=True)
    console.print(text, end="")
    return screen.getvalue()
