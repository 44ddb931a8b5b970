"""Datasets."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from eqspec.ops.contract.op import Op
from eqspec.ops.op import DatasetParams, OpParams
from eqspec.ops.targets.kinds import TargetType

if TYPE_CHECKING:
    from eqspec.ops.folder_survey import FolderSurvey
    from eqspec.ops.tolerant import Dataset


@runtime_checkable
class DatasetOp(Op, Protocol):
    """A dataset: its layouts on disk, and its splits ``train`` and ``heldout``.

    Attributes:
        in_memory: reading an image takes no time, so no worker processes are started.
        needs_folder: it is read from a folder, which a user has to name.
        sample_unit: word for a sample, in the singular.
        targets: what its images are labelled with, if that is not just a class; then its dataset
            has `target` (`eqspec.ops.targets.union.Targets`).
    """

    in_memory: bool = False
    needs_folder: bool = False
    sample_unit: str = "image"
    targets: tuple[TargetType, ...] = ()

    @property
    @abstractmethod
    def Params(self) -> type[DatasetParams]:  # noqa: N802 - a class
        """Class of the parameters: a subclass of `DatasetParams`."""
        ...

    @property
    def source_unit(self) -> str:
        """Word for the source of samples, in the singular; by default each is its own source."""
        return self.sample_unit

    @abstractmethod
    def open(self, params: OpParams, *, split: str, folder: Path | None) -> Dataset:
        """Return the images of one split.

        Raises:
            EqspecError: the data are not there or cannot be read.
        """
        ...

    def recognises(self, params: OpParams, folder: Path) -> bool:  # noqa: ARG002 - a default
        """Return whether a folder holds this dataset; another one is read as a plain folder."""
        return True

    def fits(self, params: OpParams, folder: Path, *, classes: int | None) -> bool:  # noqa: ARG002 - as above
        """Return whether a folder may hold a dataset with this many classes (None: unknown)."""
        return True

    def survey(self, params: OpParams, folder: Path) -> FolderSurvey:  # noqa: ARG002 - as above
        """Return a summary of the files read and left out, for `eqspec check`."""
        from eqspec.ops.folder_survey import FolderSurvey

        return FolderSurvey(splits=(), left_out=(), notes=())

    def image_size(self, params: OpParams) -> tuple[int, int] | None:  # noqa: ARG002 - as above
        """Return width and height of every image, in pixels; None where they differ."""
        return None

    def write_example(self, folder: Path) -> Path | None:
        """Write a few images in this layout, for the contract tests, and return their folder.

        None where the images come without a folder.
        """
        raise NotImplementedError(f"{self.file} declares no `write_example`")

    def stored_latents(self, params: OpParams) -> int | None:  # noqa: ARG002 - as above
        """Return how many latents are stored with each view; None where samples are images.

        The dataset of an op that returns a number also has `StoredViews`.
        """
        return None
