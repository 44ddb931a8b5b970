"""Checkpoints: tensors as safetensors, other state as plain data, with a hash for each file.

    step-00000500.safetensors   model, teachers, buffers of the terms, by name
    step-00000500.state.pt      optimizer and counters; loads with `weights_only=True`
    step-00000500.json          hash and size of the two; written last, completes the checkpoint

Saving never touches the files of a complete checkpoint, so the previous one survives a kill at any
moment. Loading checks the hashes and falls back to the newest intact checkpoint.
"""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from eqspec.compile.types.plan import KeepPlan
from eqspec.errors import EqspecError, FolderMismatch, UsageError
from eqspec.runs.artifacts import (
    PUT_BACK,
    Document,
    FileEntry,
    entry_of,
    explained,
    read_document,
    write_bytes,
    write_json,
)
from eqspec.runs.plain_data import plain
from eqspec.runs.retention import removable
from eqspec.runs.seal_check import require_as_sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

KEEP = KeepPlan()
"""The default rule for keeping checkpoints."""

_COMPLETE = re.compile(r"step-(\d{8,})\.json")
_DATA = re.compile(r"^step-\d{8,}(?:\.\d+)?\.(?:safetensors|state\.pt)$")


class StoredFile(FileEntry):
    """Name, hash and size of a data file of a checkpoint."""

    name: str = Field(pattern=_DATA.pattern)  # next to the JSON file, never a path elsewhere


class Contents(Document):
    """The JSON file that completes a checkpoint."""

    format: Literal[1] = 1
    step: int
    tensors: StoredFile
    state: StoredFile


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint, on the CPU.

    Attributes:
        step: optimizer steps done.
        tensors: tensors by name.
        state: the saved state.
        files: paths of the tensors and the state.
        warnings: one sentence for each newer checkpoint that was skipped because of damage.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, object]
    files: tuple[Path, Path]
    warnings: tuple[str, ...] = ()


def save(
    folder: Path,
    *,
    step: int,
    tensors: Mapping[str, Tensor],
    state: Mapping[str, object],
    keep: KeepPlan = KEEP,
) -> None:
    """Save a checkpoint, then remove those that the rule does not keep.

    Checkpoints of later steps are removed too: they belong to an abandoned continuation.

    Args:
        folder: folder of the run's checkpoints.
        step: optimizer steps done; the journals must be synced up to it.
        tensors: tensors by name; may share memory, be on any device and have any strides.
        state: dicts, lists and tuples of tensors, numbers, strings and None.
        keep: rule for keeping checkpoints; the one just saved is always kept.

    Raises:
        EqspecError: if it cannot be written; earlier checkpoints are then unchanged.
        TypeError: if the state contains anything else.
    """
    _remove_unlisted(folder)
    stem = _free_stem(folder, step=step)
    try:
        contents = Contents(
            step=step,
            tensors=_write_tensors(folder / f"{stem}.safetensors", tensors=tensors),
            state=_write_state(folder / f"{stem}.state.pt", state=state),
        )
    except EqspecError:
        with suppress(EqspecError):
            _remove_unlisted(folder)  # half a checkpoint would keep a full disk full
        raise
    write_json(_json(folder, step=step), value=contents.model_dump(mode="json"))
    later = [known for known in steps(folder) if known > step]
    known = [known for known in steps(folder) if known <= step]
    remove(folder, gone=(*later, *removable(known, keep=keep)))


def remove(folder: Path, *, gone: Iterable[int]) -> None:
    """Remove the checkpoints of some steps, and data files that no checkpoint lists."""
    with explained(folder, doing="tidy"):
        for step in gone:
            _json(folder, step=step).unlink()
    _remove_unlisted(folder)


def steps(folder: Path) -> tuple[int, ...]:
    """Return the steps of all complete checkpoints, ascending; hashes are not checked."""
    found = (_COMPLETE.fullmatch(path.name) for path in folder.glob("step-*.json"))
    return tuple(sorted(int(match[1]) for match in found if match))


def load(folder: Path) -> Checkpoint | None:
    """Load the newest intact checkpoint.

    Returns:
        The checkpoint, with a warning for each newer one that is damaged; None if there are none.

    Raises:
        FolderMismatch: if there are checkpoints but all are damaged.
    """
    warnings: tuple[str, ...] = ()
    for step in reversed(steps(folder)):
        try:
            return _read(folder, contents=intact(folder, step=step), warnings=warnings)
        except EqspecError as error:
            warnings += (f"the checkpoint of step {step} was skipped: {error.message}",)
    if warnings:
        raise FolderMismatch(
            "\n".join((f"no checkpoint in `{folder}` is intact:", *warnings)),
            help=f"delete `{folder}` to start again from step 0",
        )
    return None


def load_step(folder: Path, *, step: int) -> Checkpoint:
    """Load the checkpoint of a given step.

    Raises:
        UsageError: if there is no checkpoint of that step.
        FolderMismatch: if it is damaged.
    """
    known = steps(folder)
    if step not in known:
        listed = ", ".join(str(one) for one in known) or "none"
        raise UsageError(f"`{folder}` has no checkpoint of step {step}; it has: {listed}")
    return _read(folder, contents=intact(folder, step=step), warnings=())


def newest_weights(folder: Path) -> StoredFile | None:
    """Return the tensor file of the newest complete checkpoint; None if there is none.

    Raises:
        FolderMismatch: if the JSON file of that checkpoint is damaged.
    """
    known = steps(folder)
    if not known:
        return None
    path = require_as_sealed(_json(folder, step=known[-1]))
    return read_document(path, kind=Contents).tensors


def state_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, dtypes, shapes and bytes of tensors, sorted by name."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _stem(step: int) -> str:
    return f"step-{step:08d}"


def _json(folder: Path, *, step: int) -> Path:
    return folder / f"{_stem(step)}.json"


def _free_stem(folder: Path, *, step: int) -> str:
    """Return an unused file name; a step may be saved again after a resume."""
    stem, turn = _stem(step), 1
    while (folder / f"{stem}.safetensors").exists():
        turn += 1
        stem = f"{_stem(step)}.{turn}"
    return stem


def intact(folder: Path, *, step: int) -> Contents:
    """Return the JSON file of a step; FolderMismatch if it or a file that it lists is damaged."""
    # In a sealed run the seal covers the JSON file, and through its hashes the other two.
    contents = read_document(require_as_sealed(_json(folder, step=step)), kind=Contents)
    for file in (contents.tensors, contents.state):
        if _stored(folder / file.name) != file:
            raise FolderMismatch(f"`{folder / file.name}` has changed since it was written")
    return contents


def _stored(path: Path) -> StoredFile:
    return StoredFile(name=path.name, **entry_of(path).model_dump())


def _read(folder: Path, *, contents: Contents, warnings: tuple[str, ...]) -> Checkpoint:
    """Read both files; even with correct hashes their contents are untrusted.

    Raises:
        FolderMismatch: if one is not a file of a checkpoint.
    """
    from eqspec.build.weights.tensor_files import read_pickle, read_safetensors

    tensors, state = folder / contents.tensors.name, folder / contents.state.name
    try:
        loaded, named = read_pickle(state), read_safetensors(tensors)
    except UsageError as error:
        raise FolderMismatch(error.message, help=PUT_BACK) from error
    if not isinstance(loaded, dict):
        raise FolderMismatch(f"`{state}` is not the state of a checkpoint", help=PUT_BACK)
    return Checkpoint(
        step=contents.step,
        tensors=named,
        state=cast("dict[str, object]", loaded),
        files=(tensors, state),
        warnings=warnings,
    )


def _write_tensors(path: Path, *, tensors: Mapping[str, Tensor]) -> StoredFile:
    from safetensors.torch import save as serialized

    seen: set[int] = set()
    separate: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        alone = tensor.detach().cpu().contiguous()
        # safetensors refuses tensors that share memory; tied weights are written once per name.
        if alone.untyped_storage().data_ptr() in seen:
            alone = alone.clone()
        seen.add(alone.untyped_storage().data_ptr())
        separate[name] = alone
    write_bytes(path, data=serialized(separate, metadata={"format": "pt"}))
    return _stored(path)


def _write_state(path: Path, *, state: Mapping[str, object]) -> StoredFile:
    import torch

    # In memory first: when torch writes the file itself, it hides errors of the operating system.
    buffer = io.BytesIO()
    torch.save(plain(dict(state), at="state"), buffer)  # noqa: TID251 - this is eqspec.runs.checkpoint
    write_bytes(path, data=buffer.getbuffer())
    return _stored(path)


def _remove_unlisted(folder: Path) -> None:
    with explained(folder, doing="tidy"):
        for path in unlisted(folder):
            path.unlink()


def unlisted(folder: Path) -> tuple[Path, ...]:
    """Return data files that no JSON file lists: leftovers of killed saves and old checkpoints."""
    listed: set[str] = set()
    for step in steps(folder):
        try:
            contents = read_document(_json(folder, step=step), kind=Contents)
        except FolderMismatch:
            return ()  # its files are unknown, so nothing may be removed
        listed |= {contents.tensors.name, contents.state.name}
    found = (path for path in folder.glob("step-*") if _DATA.fullmatch(path.name))
    return tuple(sorted(path for path in found if path.name not in listed))
