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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from eqspec.errors import EqspecError, FolderMismatch, UsageError
from eqspec.runs.artifacts import (
    Document,
    FileEntry,
    entry_of,
    explained,
    read_document,
    write_bytes,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_COMPLETE = re.compile(r"step-(\d{8,})\.json")
_DATA = re.compile(r"step-\d{8,}(?:\.\d+)?\.(?:safetensors|state\.pt)")
_PLAIN = (bool, int, float, str, type(None))


class StoredFile(FileEntry):
    """One of the two data files of a checkpoint, as it was written."""

    name: str


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
        warnings: which newer checkpoints were damaged and passed over, one sentence each.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, object]
    warnings: tuple[str, ...] = ()


def save(
    folder: Path,
    *,
    step: int,
    tensors: Mapping[str, Tensor],
    state: Mapping[str, object],
    keep: int = 2,
) -> None:
    """Saves a checkpoint, then removes all but the last `keep`.

    Checkpoints of later steps go too: they are of a run that was abandoned.

    Args:
        folder: of the run's checkpoints.
        step: optimizer steps done; the journals are synced up to it.
        tensors: by name; may share memory, lie on any device and have any strides.
        state: dicts, lists and tuples of tensors, numbers, strings and None.
        keep: at least 1.

    Raises:
        EqspecError: when it cannot be written; the checkpoints before are then as they were.
        TypeError: when the state holds anything else.
    """
    assert keep >= 1, "the checkpoint just saved is always kept"
    _remove_unlisted(folder)
    stem = _free_stem(folder, step=step)
    contents = Contents(
        step=step,
        tensors=_write_tensors(folder / f"{stem}.safetensors", tensors=tensors),
        state=_write_state(folder / f"{stem}.state.pt", state=state),
    )
    write_json(_json(folder, step=step), value=contents.model_dump(mode="json"))
    kept = [known for known in steps(folder) if known <= step][-keep:]
    with explained(folder, doing="tidy"):
        for other in set(steps(folder)).difference(kept):
            _json(folder, step=other).unlink()
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
            contents = _intact(folder, step=step)
        except EqspecError as error:
            warnings += (f"the checkpoint of step {step} was passed over: {error.message}",)
        else:
            return _read(folder, contents=contents, warnings=warnings)
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
    return _read(folder, contents=_intact(folder, step=step), warnings=())


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


def _intact(folder: Path, *, step: int) -> Contents:
    """What the JSON file of a step lists, once its hashes are found right."""
    contents = read_document(_json(folder, step=step), kind=Contents)
    for file in (contents.tensors, contents.state):
        if _stored(folder / file.name) != file:
            raise FolderMismatch(f"`{folder / file.name}` has changed since it was written")
    return contents


def _stored(path: Path) -> StoredFile:
    return StoredFile(name=path.name, **entry_of(path).model_dump())


def _read(folder: Path, *, contents: Contents, warnings: tuple[str, ...]) -> Checkpoint:
    import torch
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - bare PathLike

    state = torch.load(folder / contents.state.name, map_location="cpu", weights_only=True)  # noqa: TID251 - this is eqspec.runs.checkpoint
    return Checkpoint(
        step=contents.step,
        tensors=load_file(folder / contents.tensors.name),
        state=cast("dict[str, object]", state),
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
    torch.save(_plain(dict(state), at="state"), buffer)  # noqa: TID251 - this is eqspec.runs.checkpoint
    write_bytes(path, data=buffer.getbuffer())
    return _stored(path)


def _plain(value: object, *, at: str) -> object:
    """The same nest of plain containers with its tensors on the CPU.

    Raises:
        TypeError: for anything that would not load with `weights_only=True`.
    """
    from torch import Tensor

    if isinstance(value, Tensor):
        alone = value.detach().cpu()
        # A view would be written with all the memory it looks into.
        return alone if alone.untyped_storage().nbytes() == alone.nbytes else alone.clone()
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {_plain(key, at=at): _plain(one, at=f"{at}.{key}") for key, one in items}
    if isinstance(value, (list, tuple)):
        sequence = cast("list[object] | tuple[object, ...]", value)
        parts = [_plain(one, at=f"{at}.{i}") for i, one in enumerate(sequence)]
        return tuple(parts) if isinstance(value, tuple) else parts
    if type(value) not in _PLAIN:  # exactly: numpy's floats are floats, but do not load again
        raise TypeError(f"`{at}` is a {type(value).__name__}: a checkpoint holds plain data only")
    return value


def _remove_unlisted(folder: Path) -> None:
    """Removes data files that no JSON file lists: of killed saves and of dropped checkpoints."""
    listed: set[str] = set()
    for step in steps(folder):
        try:
            contents = read_document(_json(folder, step=step), kind=Contents)
        except FolderMismatch:
            return  # which files are its own cannot be told, so none is taken away
        listed |= {contents.tensors.name, contents.state.name}
    with explained(folder, doing="tidy"):
        for path in folder.glob("step-*"):
            if _DATA.fullmatch(path.name) and path.name not in listed:
                path.unlink()
