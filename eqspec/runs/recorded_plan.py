"""Lenient reader for the plan of a run folder, including plans of older versions."""

from __future__ import annotations

from pathlib import Path

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from eqspec.compile.types.plan import KeepPlan
from eqspec.compile.types.provenance import Provenance
from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import PUT_BACK, read_document, read_json
from eqspec.runs.folder import Identity
from eqspec.spec.names import FileName

_OBJECT = TypeAdapter(dict[str, JsonValue])


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Used(Provenance):
    """A card or op used by a plan, whichever version planned it."""

    model_config = ConfigDict(extra="ignore")

    @property
    def full_name(self) -> str:
        """`family/name`."""
        return f"{self.family}/{self.name}"


class NamedData(_Part):
    """A dataset of a plan, by the name of its card."""

    name: str


class PlannedEvaluation(_Part):
    """An evaluation of a plan, with the card `name` and the op `impl`."""

    id: FileName
    name: str
    impl: str
    rev: int
    steps: tuple[int, ...]
    data: NamedData | None = None


class PublishedRecord(_Part):
    """The published weights at the start of a run."""

    weights: str
    sha256: str | None = None


class RecordedPlan(Identity):
    """The fields of `plan.json` that are shown; all others are ignored.

    Attributes:
        resolved: the resolved spec.
        origins: dotted path of each leaf → origin of its value, in words.
    """

    resolved: dict[str, JsonValue] = Field(default_factory=dict)
    origins: dict[str, str] = Field(default_factory=dict)
    provenance: tuple[Used, ...] = Field(
        default=(), validation_alias=AliasChoices("provenance", "made_from")
    )
    evaluations: tuple[PlannedEvaluation, ...] = ()
    data: NamedData | None = None
    keep: KeepPlan = KeepPlan()
    published: PublishedRecord | None = None


def recorded_datasets(path: Path) -> tuple[str, ...]:
    """Return the names of the datasets of a run, first what it trains on; none if damaged."""
    try:
        plan = recorded_plan(path)
    except FolderMismatch:
        return ()
    used = (plan.data, *(evaluation.data for evaluation in plan.evaluations))
    return tuple(dict.fromkeys(data.name for data in used if data is not None))


def recorded_plan(path: Path) -> RecordedPlan:
    """Read the plan of a run folder.

    Raises:
        FolderMismatch: if it is damaged.
    """
    return read_document(path / "plan.json", kind=RecordedPlan)


def recorded_environment(path: Path) -> dict[str, JsonValue]:
    """Read the environment of a run as JSON data.

    Raises:
        FolderMismatch: if it is damaged.
    """
    file = path / "environment.json"
    try:
        return _OBJECT.validate_python(read_json(file))
    except ValidationError as error:
        raise FolderMismatch(
            f"`{file}` is damaged: it is not an environment", help=PUT_BACK
        ) from error


def compiled_before(path: Path) -> bool | None:
    """Return whether the training of a run was compiled when it began; None if unknown.

    Raises:
        FolderMismatch: if its environment is damaged.
    """
    found = recorded_environment(path).get("compiled")
    return found if isinstance(found, bool) else None
