"""The run folder: what lies where, how it is opened, and what state it is in.

    spec.yaml  resolved.yaml  plan.json  trace.json  environment.json    written when it is made
    metrics.jsonl  timing.jsonl  log.txt  checkpoints/                   grow while it trains
    evaluations/  figures/                                               when it is judged
    record.json  record.sha256                                           the seal
    record.unsealed.json                                                 the one before, set aside
    .live/                                                               lock, heartbeat: not sealed

Plain files are the truth: every question about a run is answered by reading them. `plan.json` is
written last of its group, so a folder that has one is complete.
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


class State(StrEnum):
    """What a run folder is doing, read from its files."""

    NEW = "new"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"


class _Length(BaseModel):
    model_config = ConfigDict(frozen=True)

    steps: int = Field(ge=0)


class Identity(BaseModel):
    """What a plan says a run is; everything else in `plan.json` is passed over.

    Attributes:
        name: of the spec.
        recipe: hash of everything that changes the weights but the seed.
        train: `steps`, the optimizer steps in all.
    """

    model_config = ConfigDict(frozen=True)

    name: FileName
    recipe: Digest
    seed: int
    train: _Length


@dataclass(frozen=True, slots=True)
class Opening:
    """What a run folder is made from.

    Attributes:
        spec: the text of the spec as it was written.
        resolved: the resolved spec as text, itself a runnable spec.
        plan: JSON data; must hold what `Identity` reads.
        trace: JSON data.
        environment: where the run takes place.
    """

    spec: str
    resolved: str
    plan: Mapping[str, object]
    trace: Mapping[str, object]
    environment: Environment


def place(root: Path, *, identity: Identity, repeat: int = 1) -> Path:
    """Where a run belongs: `<root>/<name>/<recipe8>-s<seed>`, and `.2`, `.3` … for repeats."""
    again = f".{repeat}" if repeat > 1 else ""
    return root / identity.name / f"{identity.recipe[:8]}-s{identity.seed}{again}"


def is_run_folder(path: Path) -> bool:
    """Whether a run lies in a folder, be it one that has lost its plan or was never complete."""
    return any((path / name).is_file() for name in (_PLAN, _RESOLVED)) or has_lost_plan(path)


def has_lost_plan(path: Path) -> bool:
    """Whether a run has begun or ended in a folder that has no plan any more."""
    begun = any((path / name).exists() for name in (record.RECORD, "metrics.jsonl", "checkpoints"))
    return begun and not (path / _PLAN).is_file()


def _lost_plan(path: Path) -> FolderMismatch:
    return FolderMismatch(f"`{path / _PLAN}` of a run is missing", help=PUT_BACK)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run folder that exists; made by `create` or `open`."""

    path: Path

    @classmethod
    def create(cls, path: Path, *, opening: Opening) -> RunFolder:
        """Makes a run folder; its writer holds it already (`hold`).

        Raises:
            FolderMismatch: when there is a run in it, or one that has lost its plan.
            EqspecError: when it cannot be written.
        """
        if (path / _PLAN).exists():
            raise FolderMismatch(f"`{path}` already holds a run")
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
        """Opens a run folder.

        Raises:
            UsageError: when there is no run in it.
            FolderMismatch: when there is one without its plan: lost, or never written.
        """
        refuse_links(path)
        if has_lost_plan(path):
            raise _lost_plan(path)
        if not (path / _PLAN).is_file():
            if (path / _RESOLVED).is_file():
                raise FolderMismatch(
                    f"`{path}` was never complete: making it was cut short before {_PLAN}",
                    help="the command that began it makes it anew; nothing had been trained",
                )
            raise UsageError(
                f"`{path}` is not a run folder: it has no {_PLAN}",
                help="run folders are `runs/<spec>/<recipe>-s<seed>`",
            )
        return cls(path)

    @property
    def metrics(self) -> Path:
        """Journal of what the recipe determines: the same bytes on every repeat."""
        return self.path / "metrics.jsonl"

    @property
    def timing(self) -> Path:
        """Journal of clocks, throughput and memory."""
        return self.path / "timing.jsonl"

    @property
    def log(self) -> Path:
        """What was said on the way."""
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints, see `eqspec.runs.checkpoint`."""
        return self.path / "checkpoints"

    @property
    def evaluations(self) -> Path:
        """Folder of results, one file per evaluation id."""
        return self.path / "evaluations"

    @property
    def report(self) -> Path:
        """The page that shows the run."""
        return self.path / "report.html"

    def identity(self) -> Identity:
        """What the plan says this run is; FolderMismatch when the plan is damaged."""
        return read_document(self.path / _PLAN, kind=Identity)

    def plan(self) -> dict[str, object]:
        """The plan as JSON data.

        Raises:
            FolderMismatch: when it is not JSON.
        """
        plan = read_json(self.path / _PLAN)
        if not isinstance(plan, dict):
            raise FolderMismatch(f"`{self.path / _PLAN}` is damaged: it is no plan", help=PUT_BACK)
        return dict(plan)

    def state(self) -> State:
        """What the run is doing; FolderMismatch when its record is damaged."""
        if writer(self.path) is not None:
            return State.RUNNING
        ended = self.record()
        if ended is not None:
            return State(ended.status.value)
        return State.INTERRUPTED if self.has_begun() else State.NEW

    def has_begun(self) -> bool:
        """Whether a step was written down, or a checkpoint saved."""
        grown = self.metrics.exists() and self.metrics.stat().st_size > 0
        return grown or any(self.checkpoints.glob("*.json"))

    def hold(self) -> AbstractContextManager[Live]:
        """Makes this process the folder's only writer, see `eqspec.runs.live.hold`."""
        return hold(self.path)

    def guard(self, *, recipe: str, seed: int, differences: Sequence[str] = ()) -> None:
        """Refuses to go on with anything but what this folder was made for.

        Args:
            recipe: of the plan at hand.
            seed: of the plan at hand.
            differences: what differs between the two plans, one line each, for the message.

        Raises:
            FolderMismatch: when recipe or seed differ.
        """
        mine = self.identity()
        if (mine.recipe, mine.seed) == (recipe, seed):
            return
        lines = [f"  recipe {mine.recipe[:8]} → {recipe[:8]}"] if mine.recipe != recipe else []
        lines += [f"  seed {mine.seed} → {seed}"] if mine.seed != seed else []
        lines += [f"  {line}" for line in differences]
        raise FolderMismatch(
            f"`{self.path}` belongs to another run (there → here):\n" + "\n".join(lines),
            help="undo the change to go on with it; with --fork it becomes a run of its own",
        )

    def guard_data(self, fingerprint: str, *, looked_at: str = "") -> None:
        """Writes down the fingerprint of the training data, and refuses any other from then on.

        Args:
            looked_at: what it was taken of, in words.

        Raises:
            FolderMismatch: when the run began with other data.
        """
        path = self.path / "environment.json"
        environment = read_document(path, kind=Environment)
        if environment.data is None:
            known = environment.model_copy(update={"data": fingerprint})
            write_json(path, value=known.model_dump(mode="json"))
        elif environment.data != fingerprint:
            raise FolderMismatch(
                f"`{self.path}` was trained on other data: its fingerprint is {environment.data}, "
                f"that of the data found now is {fingerprint}"
                + (f" (of {looked_at})" if looked_at else ""),
                help="point to the data it began with, or keep the other run apart: --runs DIR",
            )

    def seal(
        self, outcome: Outcome, *, action: str = "run", changed: Collection[str] = ()
    ) -> RunRecord:
        """Seals the folder, see `eqspec.runs.seal.seal`."""
        return seal.seal(self.path, outcome=outcome, action=action, changed=changed)

    def finish_sealing(self) -> None:
        """Finishes a sealing that was cut short, see `eqspec.runs.seal.finish`."""
        seal.finish(self.path)

    def unseal(self) -> None:
        """Opens a sealed folder so that its run can go on, see `eqspec.runs.seal.unseal`."""
        seal.unseal(self.path)

    def record(self) -> RunRecord | None:
        """How the run ended; None when it has not, FolderMismatch when the record is damaged."""
        return record.read_record(self.path)

    def sealed(self) -> SealedFiles:
        """The folder's files as its seal knows them; what is read of a run is compared with it."""
        return SealedFiles.of(self.path)

    def verify(self) -> tuple[Problem, ...]:
        """Every way in which the folder differs from its seal; empty when there is none."""
        return seal.verify(self.path)
