"""Files of tensors, read so that only tensors and plain data can come out of them."""

from __future__ import annotations

import argparse
import io
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from eqspec.build.weights.pickle_screen import Screened, screen
from eqspec.errors import UsageError

_HOLDERS = (argparse.Namespace,)
"""Types that training scripts store besides tensors and plain data; they contain no code."""

_LEGACY_PICKLES = 5
"""torch's format before 1.6: a magic number, a version, the system, the content, the storages."""


def read_pickle(path: Path, *, mapped: bool = False) -> object:
    """Read what `torch.save` wrote to a regular file, on the CPU.

    Args:
        mapped: map a zip file, so that only the tensors in use are read.

    Raises:
        UsageError: it is damaged, or needs more than tensors and plain data.
    """
    try:
        zipped = zipfile.is_zipfile(path)
        _screened(path, zipped=zipped)
        with torch.serialization.safe_globals(list(_HOLDERS)), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about formats that it will drop
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and zipped)  # noqa: TID251 - weights_only
    except Screened as error:
        if error.calls is None:
            raise damaged(path) from error
        raise UsageError(
            f"`{path}` asks for code to be run (`{error.calls[:80]}`), which is refused",
            help="weights are tensors under names: where you trust the file, read it with the code "
            "that wrote it and save the `state_dict()` alone",
        ) from error
    except Exception as error:  # any byte of it may be damaged
        raise damaged(path) from error


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file, on the CPU.

    Raises:
        UsageError: it is damaged.
    """
    try:
        return load_file(path)
    except Exception as error:  # any byte of it may be damaged
        raise damaged(path) from error


def damaged(path: Path) -> UsageError:
    """Return the error for a file without readable weights."""
    return UsageError(
        f"`{path}` cannot be read: it is damaged, or not a file of weights",
        help="compare its size with the published one, and download it again",
    )


def _screened(path: Path, *, zipped: bool) -> None:
    """Screen what torch would read.

    Raises:
        Screened: torch must not read it.
    """
    if not zipped:
        with path.open("rb") as file:
            screen(file, pickles=_LEGACY_PICKLES)
        return
    with zipfile.ZipFile(path) as archive:
        declared = sum(member.file_size for member in archive.infolist())
    if declared > path.stat().st_size:  # torch compresses nothing, so no member can be larger
        raise Screened
    content = torch._C.PyTorchFileReader(str(path)).get_record("data.pkl")  # noqa: SLF001 - the very bytes that torch.load will read
    screen(io.BytesIO(content), pickles=1)
