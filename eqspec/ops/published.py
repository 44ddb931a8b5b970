"""Public datasets in the layout of torchvision's downloads. Imports torch only to download.

The lists of images are read without torchvision, so that the meaning of each label is documented
and imports stay light; torchvision only downloads, and only with `download: true`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.image_files import known_split, needed_folder
from eqspec.ops.op import DatasetParams, HowItRuns, OpParams


class PublishedParams(DatasetParams):
    """Parameters of every published dataset.

    Attributes:
        download: download the dataset into its folder if it is missing. How it runs.
    """

    download: HowItRuns[bool] = False

    @property
    def fetches(self) -> bool:
        """Whether missing data are downloaded."""
        return self.download


@dataclass(frozen=True, slots=True)
class Published:
    """Name and folder layout of a published dataset.

    Attributes:
        card: name of its card, used to configure the location.
        inside: folder that its archive unpacks to; the location is this folder or its parent.
        parts: required files and folders.
        fetcher: class of torchvision.datasets that downloads it; None without one.
    """

    card: str
    inside: str
    parts: tuple[str, ...]
    fetcher: str | None

    def within(self, folder: Path) -> Path | None:
        """Return the folder with all parts, or None."""
        homes = (folder / self.inside, folder)
        return next((h for h in homes if all((h / part).exists() for part in self.parts)), None)

    def recognises(self, _params: OpParams, folder: Path) -> bool:
        """Whether a folder contains the dataset."""
        return self.within(folder) is not None

    def listed(
        self, folder: Path | None, *, split: str, download: bool, lists: tuple[str, str]
    ) -> tuple[Path, str]:
        """Return the folder with all parts, and the name of the list of a split.

        Args:
            split: ``train`` or ``heldout``.
            download: as for `find`.
            lists: names of the lists of training and held-out images.

        Raises:
            UsageError: there is no such split, or as `find`.
            EqspecError: as `find`.
        """
        known_split(split, dataset=self.card)
        root = self.find(folder, download=download)
        return root, lists[0] if split == "train" else lists[1]

    def find(self, folder: Path | None, *, download: bool) -> Path:
        """Return the folder with all parts.

        Raises:
            UsageError: it does not exist and should not be downloaded.
            EqspecError: it could not be downloaded.
        """
        if download and folder is not None and self.within(folder) is None:
            self._fetch(folder)
        root = needed_folder(folder, dataset=self.card)
        found = self.within(root)
        if found is None:
            message = f"{root} does not contain `{self.card}`: it needs {', '.join(self.parts)}"
            fetch = f"download it: --set data.with.download=true --data {self.card}={root}; or "
            other = "train on any folder of images: --data DIR"
            raise UsageError(message, help=(fetch if self.fetcher else "") + other)
        return found

    def _fetch(self, folder: Path) -> None:
        if self.fetcher is None:
            message = f"`{self.card}` cannot be downloaded automatically"
            advice = f"download it, then give its location: --data {self.card}=DIR"
            raise UsageError(message, help=advice)
        # Imported here because a plan must not import torch.
        datasets = import_module("torchvision.datasets")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            getattr(datasets, self.fetcher)(str(folder), download=True)
        except (OSError, RuntimeError, EOFError) as error:
            message = f"cannot download `{self.card}` to {folder}: {error}"
            remedy = "check the network, or download it yourself and give its location with --data"
            raise EqspecError(message, help=remedy) from error
