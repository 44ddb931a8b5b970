"""The page of a diagnostic code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem, explained.

    Attributes:
        code: ``EQ001`` …
        title: a few words.
        what: what was found.
        why: why it is refused, or warned of.
        fix: what to do about it.
        wrong, right: an example, before and after: lines of a spec, or a command.
    """

    code: str
    title: str
    what: str
    why: str
    fix: str
    wrong: str
    right: str
