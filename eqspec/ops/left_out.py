"""What a walk through a folder of images leaves out, by ending and by reason. Free of torch."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of the files that count as images, in lower case; everything else is passed over."""

OTHER_FORMATS = frozenset(
    {
        *(".apng", ".arw", ".avi", ".avif", ".cr2", ".cr3", ".dcm", ".dng", ".eps", ".exr", ".gif"),
        *(".gz", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jxl", ".mkv"),
        *(".mov", ".mp4", ".nef", ".npy", ".npz", ".orf", ".parquet", ".pbm", ".pcx", ".pdf"),
        *(".pnm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tar", ".tga", ".tgz", ".webm", ".zip"),
    }
)
"""Endings of files that may hold pictures, in a format that is not read from a folder."""

JUNK = frozenset(
    {
        *("#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recycle", "__macosx", "__pycache__"),
        *("lost+found", "recycler", "system volume information"),
    }
)
"""Folders, in lower case, that systems and programs leave behind. Hidden ones go without saying."""

FORMAT, OTHER, HIDDEN = "format not read", "no image", "hidden"
LEFT_BEHIND, BACK = "left behind by a system or a program", "link to a folder above it"
AGAIN, BROKEN = "link to what is read already", "broken link"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files or folders that are not read, for one reason.

    Attributes:
        kind: an ending in lower case, ``folder``, or ``file`` for one without an ending.
        example: path of the first, relative to the folder that was walked.
    """

    kind: str
    reason: str
    count: int
    example: str


class Tally:
    """Counts what is left out."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}

    def add(self, kind: str, *, reason: str, path: str, count: int = 1) -> None:
        """Counts files or folders; of each kind and reason the first path is kept as an example."""
        key = kind, reason
        self._counts[key] += count
        self._examples[key] = min(self._examples.get(key, path), path)

    @property
    def all(self) -> tuple[LeftOut, ...]:
        """What was counted, the most first."""
        found = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            LeftOut(kind, reason, count=count, example=shown(self._examples[kind, reason]))
            for (kind, reason), count in found
        )


def passed_over(name: str) -> str:
    """Why a folder of this name is not entered; empty where it is."""
    if name.startswith("."):
        return HIDDEN
    return LEFT_BEHIND if name.lower() in JUNK else ""


def ending(name: str) -> str:
    """What a file's name ends in, in lower case; ``file`` where it has no ending."""
    return shown(os.path.splitext(name)[1].lower()) or "file"  # noqa: PTH122 - fast


def shown(path: str | Path) -> str:
    """A path as text that can be printed, whatever bytes are in it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
