"""Files of published weights as flat names and tensors. Nothing in a file is ever run."""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from eqspec.errors import UsageError

_GLOBAL = re.compile(r"GLOBAL (\S+)")
_HOLDERS = (argparse.Namespace,)
"""Beside tensors and plain data, training scripts store their arguments, which hold no code."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file, by the keys that lead to it, joined by `/`; on the CPU.

    Lists are passed over: no published layout keeps an encoder in one.

    Raises:
        UsageError: when the file is gone, damaged, or holds more than tensors and plain data.
    """
    if not path.is_file():
        raise UsageError(f"there is no file `{path}`", help="check the path of the weights")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    held = _pickled(path)
    if not isinstance(held, Mapping):
        raise UsageError(
            f"`{path}` holds no names of tensors, but one {type(held).__name__}",
            help="a file of weights is a dict of names, as `state_dict()` makes it",
        )
    return dict(_flat(held))


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:  # any byte of it may be another one
        raise _damaged(path) from error


def _pickled(path: Path) -> object:
    """What `torch.save` has written, read so that nothing but tensors can come out of it."""
    in_place = zipfile.is_zipfile(path)  # then only what is looked at is read
    try:
        with torch.serialization.safe_globals(list(_HOLDERS)):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=in_place)  # noqa: TID251 - weights_only, and no checkpoint of ours
    except Exception as error:  # any byte of it may be another one
        wanted = _GLOBAL.search(str(error))
        if wanted is None:
            raise _damaged(path) from error
        raise UsageError(
            f"`{path}` asks for code to be run (`{wanted.group(1)}`), which is refused",
            help="weights are tensors under names: where you trust the file, read it with the code "
            "that wrote it and save the `state_dict()` alone",
        ) from error


def _damaged(path: Path) -> UsageError:
    return UsageError(
        f"`{path}` cannot be read: it is damaged, or no file of weights",
        help="compare its size with what was published, and fetch it anew",
    )


def _flat(held: Mapping[object, object], above: str = "") -> Iterator[tuple[str, Tensor]]:
    for key, value in held.items():
        if isinstance(value, Tensor):
            yield f"{above}{key}", value
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}/")
