"""Malicious files of weights, each of which is refused quickly with a clear error.

`PICKLES` are told by reading them alone, `ENCODERS` by comparing them with `tests.published_files`'
`VIT`, and `PLACES` are no files at all.
"""

from __future__ import annotations

import codecs
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.published_files import VIT, state

BOOM = "went-off"
"""A file that appears in the working directory when a payload runs."""


class Payload:
    """Makes a file named `BOOM` where it is unpickled by something that obeys."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (BOOM,))


class _Reduced:
    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return (self._call[0], self._call[1:])


def _save(held: object, path: Path, **options: Any) -> None:
    torch.save(held, path, **options)  # noqa: TID251 - as strangers do


def _pickle(path: Path, pickled: bytes, *, how: int = zipfile.ZIP_STORED) -> None:
    """A file as torch writes them, with other bytes as its pickle."""
    whole = path.with_suffix(".whole")
    _save({"x": torch.ones(2)}, whole)
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(path, "w", how) as built:
        for member in given.infolist():
            named = member.filename.endswith("data.pkl")
            built.writestr(member.filename, pickled if named else given.read(member))
    whole.unlink()


def _itself(path: Path) -> None:
    held: dict[str, Any] = {"patch_embed.proj.weight": torch.ones(1)}
    held["model"] = held
    _save(held, path)


def _laughs(path: Path) -> None:
    held: dict[str, Any] = {"x": torch.ones(1)}
    for _ in range(20):
        held = {str(at): held for at in range(10)}
    _save(held, path)


def _nested(path: Path) -> None:
    held: dict[str, Any] = {}
    for _ in range(40):
        held = {"a": held}
    _save(held, path)


def _hash(path: Path) -> None:
    """A key of sixty tuples, each two of the one before: its hash would take for ever."""
    twice = b"".join(b"q" + bytes([at]) + b"h" + bytes([at]) + b"\x86" for at in range(60))
    _pickle(path, b"\x80\x02}K\x01K\x01\x86" + twice + b"K\x01s.")


def _doubled(path: Path) -> None:
    """Bytes in hexadecimal, forty times over."""
    held: Any = b"12345678"
    for _ in range(40):
        held = _Reduced(codecs.encode, held, "hex")
    _save({"x": held}, path)


def _bomb(path: Path) -> None:
    """A hundred megabytes of one letter, compressed."""
    text = b"\x80\x02X" + struct.pack("<I", 10**8) + b"a" * 10**8 + b"."
    _pickle(path, text, how=zipfile.ZIP_DEFLATED)


def _truncated(path: Path) -> None:
    _save(state(VIT), path)
    path.write_bytes(path.read_bytes()[:-2000])


def _blown_up(path: Path) -> None:
    _save(state(VIT) | {"pos_embed": torch.ones(1).expand(1, 10**6, 10**6)}, path)


def _text(path: Path, text: str) -> None:
    path.write_text(text)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as built:
        built.writestr("readme.txt", "nothing here")


PICKLES: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "a payload": (lambda path: _save({"x": Payload()}, path), "asks for code to be run"),
    "a payload, torch before 1.6": (
        lambda path: _save({"x": Payload()}, path, _use_new_zipfile_serialization=False),
        "asks for code to be run",
    ),
    "a gigabyte asked for": (
        lambda path: _save({"x": _Reduced(bytearray, 2**30)}, path),
        "asks for code to be run",
    ),
    "bytes doubled forty times": (_doubled, "asks for code to be run (`_codecs.encode`)"),
    "itself": (_itself, "it contains itself"),
    "a billion laughs": (_laughs, "it contains more than 50,000 values"),
    "forty mappings deep": (_nested, "its mappings are nested more than 32 deep"),
    "a key that is never hashed": (_hash, "it is damaged"),
    "a zip bomb": (_bomb, "it is damaged"),
    "a tensor of one value": (_blown_up, "`pos_embed` in it is [1, 1000000, 1000000]"),
    "a sparse tensor": (lambda path: _save({"x": torch.eye(2).to_sparse()}, path), "asks for code"),
    "a meta tensor": (
        lambda path: _save({"x": torch.ones(2, device="meta")}, path),
        "asks for code",
    ),
    "a name without end": (lambda path: _save({"x" * 501: torch.ones(1)}, path), "500 letters"),
    "a list": (lambda path: _save([torch.ones(1)], path), "contains no names of tensors"),
    "one tensor": (lambda path: _save(torch.ones(1), path), "contains no names of tensors"),
    "cut short": (_truncated, "it is damaged"),
    "a web page": (lambda path: _text(path, "<html>404</html>"), "it is damaged"),
    "nothing": (lambda path: _text(path, ""), "it is damaged"),
    "a zip file of something else": (_zip, "it is damaged"),
}


def _with(**changed: Tensor | None) -> Callable[[Path], None]:
    """The encoder's own state, with a name changed or left out."""

    def make(path: Path) -> None:
        changes = {name.replace("__", "."): tensor for name, tensor in changed.items()}
        whole = state(VIT) | changes
        _save({name: t for name, t in whole.items() if t is not None}, path)

    return make


def _blocks(count: int) -> Callable[[Path], None]:
    return lambda path: _save(state(VIT | {"depth": count}), path)


def _transposed(path: Path) -> None:
    held = state(VIT)
    _save(held | {"blocks.0.attn.qkv.weight": held["blocks.0.attn.qkv.weight"].T}, path)


_QKV = "blocks__0__attn__qkv__weight"

ENCODERS: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "too few blocks": (_blocks(1), "`depth` is 2 here and 1 in the file"),
    "too many blocks": (_blocks(3), "`depth` is 2 here and 3 in the file"),
    "a transposed matrix": (_transposed, "of another shape (`blocks.0.attn.qkv.weight`)"),
    "a missing norm": (_with(norm__weight=None), "1 missing in the file (`norm.weight`)"),
    "NaN": (_with(norm__bias=torch.full((32,), torch.nan)), "not finite (`norm.bias`)"),
    "infinity": (_with(norm__bias=torch.full((32,), torch.inf)), "not finite (`norm.bias`)"),
    "whole numbers": (
        _with(**{_QKV: torch.ones(96, 32).int()}),
        "1 of another type (`blocks.0.attn.qkv.weight`)",
    ),
    "complex numbers": (
        _with(**{_QKV: torch.ones(96, 32).cfloat()}),
        "1 of another type (`blocks.0.attn.qkv.weight`)",
    ),
    "complex positions": (_with(pos_embed=torch.ones(1, 5, 32).cfloat()), "of another type"),
    "registers in one dimension": (_with(reg_token=torch.ones(3)), "unexpected (`reg_token`)"),
    "positions in two dimensions": (_with(pos_embed=torch.ones(17, 32)), "of another shape"),
    "no positions at all": (_with(pos_embed=torch.ones(1, 0, 32)), "of another shape"),
    "a block of a hundred digits": (
        _with(**{f"blocks__{'9' * 100}__norm1__weight": torch.ones(32)}),
        "`depth` is 2 here",
    ),
    "a kernel in two dimensions": (
        _with(patch_embed__proj__weight=torch.ones(32, 192)),
        "`impl` is vit here",
    ),
}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


PLACES: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "a FIFO": (_fifo, "it is a FIFO, not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
    "a link to itself": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "a link to a FIFO": (
        lambda path: (os.mkfifo(path.with_suffix(".fifo")), path.symlink_to("w.fifo"))[1],
        "it is a FIFO, not a file",
    ),
}
