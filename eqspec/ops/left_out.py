"""Files and folders left out of a folder of images, by file type and reason. Free of torch."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes of image files, in lower case; all other files are skipped."""

OTHER_FORMATS = frozenset(
    {
        *(".apng", ".arw", ".avi", ".avif", ".cr2", ".cr3", ".dcm", ".dng", ".eps", ".exr", ".gif"),
        *(".gz", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jxl", ".mkv"),
        *(".mov", ".mp4", ".nef", ".npy", ".npz", ".orf", ".parquet", ".pbm", ".pcx", ".pdf"),
        *(".pnm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tar", ".tga", ".tgz", ".webm", ".zip"),
    }
)
"""Suffixes of files that may contain images in a format that is not read from a folder."""

JUNK = frozenset(
    {
        *("#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recycle", "__macosx", "__pycache__"),
        *("lost+found", "recycler", "system volume information"),
    }
)
"""Names, in lower case, of folders created by systems and programs, besides hidden folders."""

FORMAT, OTHER, HIDDEN = "format not read", "not an image", "hidden"
LEFT_BEHIND, BACK = "left behind by a system or a program", "link to a folder above it"
AGAIN, BROKEN = "link to an image or folder already read", "broken link"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files or folders that are not read, for one reason.

    Attributes:
        kind: a suffix in lower case, ``folder``, or ``file`` for a file without a suffix.
        example: path of the first one, relative to the folder.
    """

    kind: str
    reason: str
    count: int
    example: str


class Tally:
    """Counter of the files and folders left out."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}

    def add(self, kind: str, *, reason: str, path: str, count: int = 1) -> None:
        """Count files or folders; the first path of each kind and reason is its example."""
        key = kind, reason
        self._counts[key] += count
        self._examples[key] = min(self._examples.get(key, path), path)

    @property
    def all(self) -> tuple[LeftOut, ...]:
        """All counts, largest first."""
        found = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            LeftOut(kind, reason, count=count, example=shown(self._examples[kind, reason]))
            for (kind, reason), count in found
        )


def passed_over(name: str) -> str:
    """Return the reason to skip a folder of this name, or an empty text."""
    if name.startswith("."):
        return HIDDEN
    return LEFT_BEHIND if name.lower() in JUNK else ""


def ending(name: str) -> str:
    """Return the suffix of a file's name in lower case, or ``file`` without one."""
    return shown(os.path.splitext(name)[1].lower()) or "file"  # noqa: PTH122 - fast


def shown(path: str | Path) -> str:
    """Return a path as printable text, with escapes for bytes that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
