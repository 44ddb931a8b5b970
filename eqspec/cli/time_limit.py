"""Parse durations such as `11h`, `90m`, `2d` or `12h30m`."""

from __future__ import annotations

import re

from eqspec.errors import UsageError

_FORM = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_SECONDS = (86400, 3600, 60, 1)


def seconds_of(text: str, *, option: str = "--time-limit") -> int:
    """Return a duration in seconds.

    Args:
        option: that it was given with.

    Raises:
        UsageError: when the text is not a duration.
    """
    match = _FORM.fullmatch(text.strip())
    parts = match.groups() if match else ()
    total = sum(int(part) * unit for part, unit in zip(parts, _SECONDS, strict=False) if part)
    if total > 0:
        return total
    has_no_unit = text.strip().isdecimal() and int(text) > 0
    example = f"`{text}h`, `{text}m` or `{text}s`" if has_no_unit else "`11h` or `90m`"
    message = f"`{option} {text}` is not a duration"
    raise UsageError(message, help=f"give a number and a unit, as in {example}")
