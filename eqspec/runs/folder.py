"""The run folder: its files, its creation and opening, and its state.

    spec.yaml  resolved.yaml  plan.json  trace.json  environment.json    written at creation
    metrics.jsonl  timing.jsonl  log.txt  checkpoints/                   grow during training
    evaluations/  figures/                                               written by evaluations
    record.json  record.sha256                                           the seal
    record.unsealed.json                                                 the seal before
    .live/                                                               lock, heartbeat: not sealed

The state of a run is read from these files alone. `plan.json` is the last file of its group to be
written, so a folder that has it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from eqspec.errors import FolderMismatch, UsageError
from eqspec.runs import record, seal
from eqspec.runs.artifacts import PUT_BACK, read_document, read_json, write_json, write_text
from eqspec.runs.environment import Environment
from eqspec.runs.link_check import refuse_links
from eqspec.runs.live import hold, writer
from eqspec.runs.seal_check import SealedFiles
from eqspec.spec.names import Digest, FileName

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from eqspec.runs.live import Live
    from eqspec.runs.manifest import Problem
    from eqspec.runs.record import Outcome, RunRecord

_PLAN, _RESOLVED = "plan.json", "resolved.yaml"

UNDO = "undo the change to continue this run"
"""Advice where a plan differs from that of a run."""


class State(StrEnum):
    """The state of a run, read from its files."""

    NEW = "new"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"


class _Length(BaseModel):
    model_config = ConfigDict(frozen=True)

    steps: int = Field(ge=0)


class Identity(BaseModel):
    """The identity of a run, from its `plan.json`; other fields of the file are ignored.

    Attributes:
        name: name of the spec.
        recipe: hash of everything that changes the weights, except the seed.
        seed: seed of the run.
        train: `steps`, the total number of optimizer steps.
    """

    model_config = ConfigDict(frozen=True)

    name: FileName
    recipe: Digest
    seed: int
    train: _Length


@dataclass(frozen=True, slots=True)
class Opening:
    """The contents of a new run folder.

    Attributes:
        spec: the text of the spec.
        resolved: the text of the resolved spec, itself a runnable spec.
        plan: JSON data, with the fields of `Identity`.
        trace: JSON data.
        environment: the environment of the run.
    """

    spec: str
    resolved: str
    plan: Mapping[str, object]
    trace: Mapping[str, object]
    environment: Environment


def folder_path(root: Path, *, identity: Identity, repeat: int = 1) -> Path:
    """Return the path of a run: `<root>/<name>/<recipe8>-s<seed>`, and `.2`, `.3` … for repeats."""
    again = f".{repeat}" if repeat > 1 else ""
    return root / identity.name / f"{identity.recipe[:8]}-s{identity.seed}{again}"


def is_run_folder(path: Path) -> bool:
    """Whether a folder contains a run, including one without a plan or an incomplete one."""
    return any((path / name).is_file() for name in (_PLAN, _RESOLVED)) or has_lost_plan(path)


def has_lost_plan(path: Path) -> bool:
    """Whether a folder contains a run whose plan is missing."""
    begun = any((path / name).exists() for name in (record.RECORD, "metrics.jsonl", "checkpoints"))
    return begun and not (path / _PLAN).is_file()


def _lost_plan(path: Path) -> FolderMismatch:
    return FolderMismatch(f"`{path / _PLAN}` of a run is missing", help=PUT_BACK)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """An existing run folder; use `create` or `open`."""

    path: Path

    @classmethod
    def create(cls, path: Path, *, opening: Opening) -> RunFolder:
        """Create a run folder; the caller must have locked it with `hold`.

        Raises:
            FolderMismatch: if the folder already contains a run, with or without its plan.
            EqspecError: if it cannot be written.
        """
        if (path / _PLAN).exists():
            raise FolderMismatch(f"`{path}` already contains a run")
        if has_lost_plan(path):
            raise _lost_plan(path)
        Identity.model_validate(opening.plan)
        write_text(path / "spec.yaml", text=opening.spec)
        write_text(path / _RESOLVED, text=opening.resolved)
        write_json(path / "trace.json", value=opening.trace)
        write_json(path / "environment.json", value=opening.environment.model_dump(mode="json"))
        write_json(path / _PLAN, value=opening.plan)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open a run folder.

        Raises:
            UsageError: if it does not contain a run.
            FolderMismatch: if the plan of the run is missing or was never written.
        """
        refuse_links(path)
        if has_lost_plan(path):
            raise _lost_plan(path)
        if not (path / _PLAN).is_file():
            if (path / _RESOLVED).is_file():
                raise FolderMismatch(
                    f"`{path}` was never complete: its creation stopped before {_PLAN}",
                    help="repeat the command that started it; nothing had been trained yet",
                )
            raise UsageError(
                f"`{path}` is not a run folder: it has no {_PLAN}",
                help="run folders are `runs/<spec>/<recipe>-s<seed>`",
            )
        return cls(path)

    @property
    def metrics(self) -> Path:
        """Journal of the numbers that the recipe determines: the same bytes in every repeat."""
        return self.path / "metrics.jsonl"

    @property
    def timing(self) -> Path:
        """Journal of times, throughput and memory."""
        return self.path / "timing.jsonl"

    @property
    def log(self) -> Path:
        """Log of the run, one line per event."""
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints; see `eqspec.runs.checkpoint`."""
        return self.path / "checkpoints"

    @property
    def evaluations(self) -> Path:
        """Folder of results, one file per evaluation id."""
        return self.path / "evaluations"

    @property
    def report(self) -> Path:
        """HTML page of the run."""
        return self.path / "report.html"

    def identity(self) -> Identity:
        """Read the identity of the run; FolderMismatch if the plan is damaged."""
        return read_document(self.path / _PLAN, kind=Identity)

    def plan(self) -> dict[str, object]:
        """Read the plan as JSON data.

        Raises:
            FolderMismatch: if it is not a JSON object.
        """
        plan = read_json(self.path / _PLAN)
        if not isinstance(plan, dict):
            raise FolderMismatch(
                f"`{self.path / _PLAN}` is damaged: it is not a plan", help=PUT_BACK
            )
        return dict(plan)

    def state(self) -> State:
        """Read the state of the run; FolderMismatch if its record is damaged."""
        if writer(self.path) is not None:
            return State.RUNNING
        ended = self.record()
        if ended is not None:
            return State(ended.status.value)
        return State.INTERRUPTED if self.has_begun() else State.NEW

    def has_begun(self) -> bool:
        """Whether the journal has a row or a checkpoint was saved."""
        grown = self.metrics.exists() and self.metrics.stat().st_size > 0
        return grown or any(self.checkpoints.glob("*.json"))

    def hold(self) -> AbstractContextManager[Live]:
        """Lock the folder for this process; see `eqspec.runs.live.hold`."""
        return hold(self.path)

    def guard(
        self, *, recipe: str, seed: int, differences: Sequence[str] = (), advice: str = UNDO
    ) -> None:
        """Refuse to continue the run with another recipe or seed.

        Args:
            recipe: recipe of the current plan.
            seed: seed of the current plan.
            differences: differences between the two plans, one line each, for the message.
            advice: what to do about them.

        Raises:
            FolderMismatch: if recipe or seed differ.
        """
        own = self.identity()
        if (own.recipe, own.seed) == (recipe, seed):
            return
        lines = [f"  recipe {own.recipe[:8]} → {recipe[:8]}"] if own.recipe != recipe else []
        lines += [f"  seed {own.seed} → {seed}"] if own.seed != seed else []
        lines += [f"  {line}" for line in differences]
        raise FolderMismatch(
            f"`{self.path}` belongs to another run (there → here):\n" + "\n".join(lines),
            help=advice,
        )

    def record_data(self, fingerprint: str) -> str:
        """Record the fingerprint of the training data, unless there is one; return the recorded.

        Args:
            fingerprint: of the data that were found.
        """
        path = self.path / "environment.json"
        environment = read_document(path, kind=Environment)
        if environment.data is not None:
            return environment.data
        known = environment.model_copy(update={"data": fingerprint})
        write_json(path, value=known.model_dump(mode="json"))
        return fingerprint

    def seal(
        self, outcome: Outcome, *, action: str = "run", changed: Collection[str] = ()
    ) -> RunRecord:
        """Seal the folder; see `eqspec.runs.seal.seal`."""
        return seal.seal(self.path, outcome=outcome, action=action, changed=changed)

    def finish_sealing(self) -> None:
        """Finish an interrupted sealing; see `eqspec.runs.seal.finish`."""
        seal.finish(self.path)

    def unseal(self) -> None:
        """Set the seal aside so that the run can continue; see `eqspec.runs.seal.unseal`."""
        seal.unseal(self.path)

    def record(self) -> RunRecord | None:
        """Read the record; None if the run has not ended, FolderMismatch if it is damaged."""
        return record.read_record(self.path)

    def sealed(self) -> SealedFiles:
        """Read the sealed hashes, to check files against before they are used."""
        return SealedFiles.of(self.path)

    def verify(self) -> tuple[Problem, ...]:
        """Return all differences between the folder and its seal."""
        return seal.verify(self.path)
