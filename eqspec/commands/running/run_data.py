"""The data of a run, opened once: the training data and those of its evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.commands.planning.fine_tune_checks import require_batch
from eqspec.commands.planning.fine_tune_data import found_data
from eqspec.compile.evaluation_stages import trains
from eqspec.errors import UsageError
from eqspec.evals.evaluate import check_data
from eqspec.ops.image_files import ImageFiles

if TYPE_CHECKING:
    from eqspec.compile.types.plan import DataPlan, EvalPlan, Plan
    from eqspec.ops.tolerant import Tolerant


@dataclass(frozen=True, slots=True)
class Splits:
    """The two splits of one dataset.

    Attributes:
        train: training images, also for the readouts of evaluations.
        held_out: images for evaluation.
    """

    train: Tolerant
    held_out: Tolerant


@dataclass(frozen=True, slots=True)
class RunData:
    """All data of a run.

    Attributes:
        own: of the training.
        others: id of an evaluation on other data → its data.
    """

    own: Splits
    others: Mapping[str, Splits]

    def of(self, evaluation: EvalPlan) -> Splits:
        """Return the data that an evaluation reads."""
        return self.others.get(evaluation.id, self.own)

    @property
    def datasets(self) -> tuple[Tolerant, ...]:
        """Every split, each once."""
        pairs = {id(pair): pair for pair in (self.own, *self.others.values())}
        return tuple(split for pair in pairs.values() for split in (pair.train, pair.held_out))


def need_runs_elsewhere(data: RunData, folder: Path) -> None:
    """Refuse a run folder among the images: its pictures would be training data of the next run.

    Raises:
        UsageError: it lies in a folder of which all images are read.
    """
    for found in (split.watched for split in data.datasets):
        images = None if found is None else found.dataset
        if not isinstance(images, ImageFiles) or not images.walked:
            continue
        root = images.root.resolve()
        if folder.resolve().is_relative_to(root):
            message = f"the run folder `{folder}` would be among the images of {root}"
            raise UsageError(
                message, help=f"keep the runs elsewhere: --runs {root.parent / 'runs'}"
            )


def open_data(
    plan: Plan, *, locations: DataLocations, evaluations: Sequence[EvalPlan] | None = None
) -> RunData:
    """Open the plan's data and that of evaluations: its own ones, unless others are given.

    Raises:
        EqspecError: a dataset is missing or unreadable, or an evaluation cannot use it.
    """
    wanted = plan.evaluations if evaluations is None else evaluations
    opened: dict[str, Splits] = {}
    for dataset in (plan.data, *(evaluation.data for evaluation in wanted)):
        key = dataset.model_dump_json()
        if key not in opened:
            opened[key] = _open(dataset, plan=plan, locations=locations)
    data = RunData(
        own=opened[plan.data.model_dump_json()],
        others={e.id: opened[e.data.model_dump_json()] for e in wanted if e.data != plan.data},
    )
    for evaluation in wanted:
        splits = data.of(evaluation)
        check_data(evaluation, train=splits.train, held_out=splits.held_out)
        if trains(evaluation):
            require_batch(evaluation, found_data(evaluation, splits.train))
    return data


def _open(dataset: DataPlan, *, plan: Plan, locations: DataLocations) -> Splits:
    def split(name: str) -> Tolerant:
        opened = open_dataset(dataset, split=name, locations=locations, own=plan.data.name)
        opened.list_files()
        return opened

    return Splits(train=split("train"), held_out=split("heldout"))
