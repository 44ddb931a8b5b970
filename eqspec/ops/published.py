"""Datasets as their authors publish them and torchvision unpacks them. Free of torch until fetched.

The lists of images are read here, so that what a label means is written down and nothing heavy is
imported; torchvision only fetches, and only where `download: true` asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.image_files import needed_folder
from eqspec.ops.op import DatasetParams, HowItRuns


class PublishedParams(DatasetParams):
    """What every published dataset may be told.

    Attributes:
        download: fetch it into its folder, should it not be there. How it runs.
    """

    download: HowItRuns[bool] = False

    @property
    def fetches(self) -> bool:
        """Whether a folder without the data is filled from the network."""
        return self.download


@dataclass(frozen=True, slots=True)
class Published:
    """What a dataset is called and what its folder holds.

    Attributes:
        card: name of its card, by which a place is given.
        inside: folder that its archive unpacks to; a given folder is that one, or holds it.
        parts: files and folders that must be in there.
        fetcher: class of torchvision.datasets that fetches it; None where nothing does.
    """

    card: str
    inside: str
    parts: tuple[str, ...]
    fetcher: str | None

    def within(self, folder: Path) -> Path | None:
        """The folder with all parts, or None where it is not."""
        homes = (folder / self.inside, folder)
        return next((h for h in homes if all((h / part).exists() for part in self.parts)), None)

    def find(self, folder: Path | None, *, download: bool) -> Path:
        """The folder with all parts.

        Raises:
            UsageError: it is not there and was not to be fetched.
            EqspecError: it could not be fetched.
        """
        if download and folder is not None and self.within(folder) is None:
            self._fetch(folder)
        root = needed_folder(folder, dataset=self.card)
        found = self.within(root)
        if found is None:
            message = f"{root} does not hold `{self.card}`: {', '.join(self.parts)} are looked for"
            fetch = f"fetch it there: --set data.with.download=true --data {self.card}={root}; or "
            other = "train on any folder of images: --data DIR"
            raise UsageError(message, help=(fetch if self.fetcher else "") + other)
        return found

    def _fetch(self, folder: Path) -> None:
        if self.fetcher is None:
            message = f"`{self.card}` cannot be fetched"
            raise UsageError(message, help="fetch it yourself, and say where it lies")
        # By name, since nothing up to the plan imports torch; fetching is for whoever runs one.
        datasets = import_module("torchvision.datasets")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            getattr(datasets, self.fetcher)(str(folder), download=True)
        except (OSError, RuntimeError, EOFError) as error:
            message = f"cannot fetch `{self.card}` into {folder}: {error}"
            remedy = "look at the network, or fetch it yourself and say where it lies"
            raise EqspecError(message, help=remedy) from error
