"""A length of time as a person writes it: `11h`, `90m`, `2d`, `12h30m`."""

from __future__ import annotations

import re

from eqspec.errors import UsageError

_FORM = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_SECONDS = (86400, 3600, 60, 1)


def seconds_of(text: str) -> int:
    """The length in seconds.

    Raises:
        UsageError: when it is none.
    """
    written = _FORM.fullmatch(text.strip())
    parts = written.groups() if written else ()
    total = sum(int(part) * unit for part, unit in zip(parts, _SECONDS, strict=False) if part)
    if total > 0:
        return total
    plain = text.strip().isdecimal() and int(text) > 0
    guess = f"say of what: `{text}h`, `{text}m` or `{text}s`" if plain else "write `11h` or `90m`"
    raise UsageError(f"`--time-limit {text}` is no length of time", help=guess)
