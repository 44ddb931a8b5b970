"""Numbers as readable text."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Format a configured number: 0.001, 1e-6, 2,048."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return _plain(f"{value:.6g}")


def measured(value: float, *, digits: int = 4, signed: bool = False) -> str:
    """Format a measured number to a few significant digits: 0.4281, 77.46, 7.628e-9."""
    return _plain(f"{value:{'+' if signed else ''}.{digits}g}")


def distinct(a: float, b: float) -> tuple[str, str]:
    """Format two numbers with enough digits to show their difference, six at most."""
    for digits in (4, 5, 6):
        shown = measured(a, digits=digits), measured(b, digits=digits)
        if shown[0] != shown[1] or a == b:
            break
    return shown


def large(value: float) -> str:
    """Format a large number to three significant digits: 1.23 M, 850 k."""
    for unit, name in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            digits = max(0, 2 - math.floor(math.log10(value / unit)))
            return f"{value / unit:.{digits}f} {name}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """Format a duration: 45 s, 3 min 20 s, 5 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def on_disk(count: int) -> str:
    """Format a number of bytes."""
    return f"{large(count)}B" if count >= 1000 else f"{count} B"


def _plain(text: str) -> str:
    return text.replace("e-0", "e-").replace("e+0", "e")
