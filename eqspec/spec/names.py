"""Names that become a part of a path: checked where they are read, so that none leads elsewhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def is_file_name(text: str) -> bool:
    """Return whether a text can name a file or folder that stays inside its parent."""
    return text not in {"", ".", ".."} and not {"/", "\0"} & set(text)


def _file_name(text: str) -> str:
    if not is_file_name(text):
        raise ValueError(f"`{text}` is not a file name: it would leave its folder")
    return text


FileName = Annotated[str, AfterValidator(_file_name)]
"""The name of a file or a folder, without a path."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
"""The beginning of a SHA-256, or all of it, in hexadecimal."""
