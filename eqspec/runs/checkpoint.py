"""Checkpoints: tensors as safetensors, the rest as plain tensors and numbers, each with its hash.

    step-00000500.safetensors   model, teachers, buffers of the terms, by name
    step-00000500.state.pt      optimizer and counters; loads with `weights_only=True`
    step-00000500.json          hash and size of the two; written last: with it, it is complete

A save never touches the files of a complete checkpoint, so a kill at any moment leaves the previous
one as it was. Loading checks the hashes and goes back to the newest checkpoint that is intact.
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
"""Which checkpoints stay unless a spec says otherwise."""

_COMPLETE = re.compile(r"step-(\d{8,})\.json")
_DATA = re.compile(r"^step-\d{8,}(?:\.\d+)?\.(?:safetensors|state\.pt)$")


class StoredFile(FileEntry):
    """One of the two data files of a checkpoint, as it was written."""

    name: str = Field(pattern=_DATA.pattern)  # beside the JSON file, never a path out of the folder


class Contents(Document):
    """The JSON file that completes a checkpoint."""

    format: Literal[1] = 1
    step: int
    tensors: StoredFile
    state: StoredFile


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was loaded, on the CPU.

    Attributes:
        step: optimizer steps done.
        tensors: by name.
        state: as it was saved.
        files: that the two were read from.
        warnings: which newer checkpoints were damaged and passed over, one sentence each.
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
    """Saves a checkpoint, then removes those that the rule does not need.

    Checkpoints of later steps go too: they are of a run that was abandoned.

    Args:
        folder: of the run's checkpoints.
        step: optimizer steps done; the journals are synced up to it.
        tensors: by name; may share memory, lie on any device and have any strides.
        state: dicts, lists and tuples of tensors, numbers, strings and None.
        keep: which of them stay; the one just saved always does.

    Raises:
        EqspecError: when it cannot be written; the checkpoints before are then as they were.
        TypeError: when the state holds anything else.
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
            _remove_unlisted(folder)  # a full disk is not to be kept full by half a checkpoint
        raise
    write_json(_json(folder, step=step), value=contents.model_dump(mode="json"))
    later = [known for known in steps(folder) if known > step]
    known = [known for known in steps(folder) if known <= step]
    remove(folder, gone=(*later, *removable(known, keep=keep)))


def remove(folder: Path, *, gone: Iterable[int]) -> None:
    """Removes the checkpoints of some steps, and data files that no checkpoint lists."""
    with explained(folder, doing="tidy"):
        for step in gone:
            _json(folder, step=step).unlink()
    _remove_unlisted(folder)


def steps(folder: Path) -> tuple[int, ...]:
    """The steps of all complete checkpoints, ascending; their hashes are not looked at."""
    found = (_COMPLETE.fullmatch(path.name) for path in folder.glob("step-*.json"))
    return tuple(sorted(int(match[1]) for match in found if match))


def load(folder: Path) -> Checkpoint | None:
    """Loads the newest intact checkpoint.

    Returns:
        The checkpoint, with a warning for each newer one that is damaged; None when there are none.

    Raises:
        FolderMismatch: when there are checkpoints, but every one is damaged.
    """
    warnings: tuple[str, ...] = ()
    for step in reversed(steps(folder)):
        try:
            return _read(folder, contents=intact(folder, step=step), warnings=warnings)
        except EqspecError as error:
            warnings += (f"the checkpoint of step {step} was passed over: {error.message}",)
    if warnings:
        raise FolderMismatch(
            "\n".join((f"no checkpoint in `{folder}` is intact:", *warnings)),
            help=f"delete `{folder}` to begin again from step 0",
        )
    return None


def load_step(folder: Path, *, step: int) -> Checkpoint:
    """Loads the checkpoint of a given step.

    Raises:
        UsageError: when there is none of that step.
        FolderMismatch: when it is damaged.
    """
    known = steps(folder)
    if step not in known:
        listed = ", ".join(str(one) for one in known) or "none"
        raise UsageError(f"`{folder}` has no checkpoint of step {step}; it has: {listed}")
    return _read(folder, contents=intact(folder, step=step), warnings=())


def newest_weights(folder: Path) -> StoredFile | None:
    """The tensors file of the newest complete checkpoint as it was saved; None without any.

    Raises:
        FolderMismatch: when the JSON file of that checkpoint is damaged.
    """
    known = steps(folder)
    if not known:
        return None
    path = require_as_sealed(_json(folder, step=known[-1]))
    return read_document(path, kind=Contents).tensors


def state_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of tensors, in the order of their names."""
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
    """A name whose files are not there yet: a step may be saved again after a resume."""
    stem, turn = _stem(step), 1
    while (folder / f"{stem}.safetensors").exists():
        turn += 1
        stem = f"{_stem(step)}.{turn}"
    return stem


def intact(folder: Path, *, step: int) -> Contents:
    """What the JSON file of a step lists; FolderMismatch when it or a file is damaged."""
    # In a sealed run this file is as it was sealed, and so is what it lists.
    contents = read_document(require_as_sealed(_json(folder, step=step)), kind=Contents)
    for file in (contents.tensors, contents.state):
        if _stored(folder / file.name) != file:
            raise FolderMismatch(f"`{folder / file.name}` has changed since it was written")
    return contents


def _stored(path: Path) -> StoredFile:
    return StoredFile(name=path.name, **entry_of(path).model_dump())


def _read(folder: Path, *, contents: Contents, warnings: tuple[str, ...]) -> Checkpoint:
    """Both files, whose hashes hold: what they hold may still be anything.

    Raises:
        FolderMismatch: when one is no checkpoint's.
    """
    from eqspec.build.weights.tensor_files import read_pickle, read_safetensors

    tensors, state = folder / contents.tensors.name, folder / contents.state.name
    try:
        held, named = read_pickle(state), read_safetensors(tensors)
    except UsageError as error:
        raise FolderMismatch(error.message, help=PUT_BACK) from error
    if not isinstance(held, dict):
        raise FolderMismatch(f"`{state}` holds no state of a checkpoint", help=PUT_BACK)
    return Checkpoint(
        step=contents.step,
        tensors=named,
        state=cast("dict[str, object]", held),
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

    # In memory first: writing by itself, torch hides what the operating system says.
    buffer = io.BytesIO()
    torch.save(plain(dict(state), at="state"), buffer)  # noqa: TID251 - this is eqspec.runs.checkpoint
    write_bytes(path, data=buffer.getbuffer())
    return _stored(path)


def _remove_unlisted(folder: Path) -> None:
    with explained(folder, doing="tidy"):
        for path in unlisted(folder):
            path.unlink()


def unlisted(folder: Path) -> tuple[Path, ...]:
    """Data files that no JSON file lists: of killed saves and of dropped checkpoints."""
    listed: set[str] = set()
    for step in steps(folder):
        try:
            contents = read_document(_json(folder, step=step), kind=Contents)
        except FolderMismatch:
            return ()  # which files are its own cannot be told, so none is taken away
        listed |= {contents.tensors.name, contents.state.name}
    found = (path for path in folder.glob("step-*") if _DATA.fullmatch(path.name))
    return tuple(sorted(path for path in found if path.name not in listed))
