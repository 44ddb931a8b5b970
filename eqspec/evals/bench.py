"""Interface of an evaluation op to a frozen model and its data.

Features are encoded once and stored in files (`eqspec.evals.feature_files`), so that several
evaluations share them and only one batch is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor

from eqspec.build.data.loader import Dataset
from eqspec.compile.evaluation_stages import most_images
from eqspec.evals.feature_files import FeatureFiles
from eqspec.evals.features import Subject
from eqspec.evals.image_functions import ImageFunction, encode_function
from eqspec.evals.images import centre_crop, chosen_images, crops, encode_images
from eqspec.evals.pairs import PairRequest, collect
from eqspec.evals.predictor import Predicting
from eqspec.evals.token_grids import TokenGrids, encode_grids
from eqspec.nn.pixels.path import Border
from eqspec.nn.readouts.feature_matrix import Columns, FeatureMatrix
from eqspec.nn.readouts.image_features import ImageFeatures, Split
from eqspec.nn.readouts.pair_features import PairFeatures
from eqspec.nn.readouts.predictions import Predictions
from eqspec.ops.op import OpCall


@dataclass(frozen=True, slots=True)
class Bench:
    """A frozen model and the two splits of a dataset.

    Attributes:
        files: storage of the features.
        most: split → largest number of images whose pooled features evaluations of this model will
            read; all of them are encoded at once. None: all; a split that is missing: as asked.
        predictor: that of the model, if it has one.
        read: split → the samples read by the current evaluation.
    """

    subject: Subject
    train: Dataset
    held_out: Dataset
    files: FeatureFiles = field(default_factory=FeatureFiles)
    most: Mapping[Split, int | None] = field(default_factory=dict[Split, int | None])
    predictor: Predicting | None = None
    read: dict[Split, set[int]] = field(default_factory=dict, init=False, repr=False)
    _encoded: dict[Split, ImageFeatures] = field(default_factory=dict, init=False, repr=False)

    def features(self, split: Split, *, limit: int | None) -> ImageFeatures:
        """Return pooled features of centre crops, for every row of the model.

        Args:
            limit: largest number of images, a fixed selection; None selects all.
        """
        images = self._chosen(split, limit=limit)
        known = self._encoded.get(split)
        if known is None or len(known.images) < len(images):
            most = most_images(limit, self.most.get(split, limit))
            known = encode_images(self.subject, self._of(split), limit=most, files=self.files)
            self._encoded[split] = known
        return known.taken(np.searchsorted(known.images, images))

    def tokens(
        self, split: Split, *, layers: Sequence[int], size: int | None = None, limit: int | None
    ) -> TokenGrids:
        """Return patch tokens of chosen layers as grids.

        Args:
            layers: numbers of blocks, counted from 0; negative ones from the end.
            size: side of the centre crops in pixels; the encoder's image size by default.
            limit: as above.

        Raises:
            EqspecError: the encoder has no such layers.
        """
        self._chosen(split, limit=limit)
        return encode_grids(
            self.subject,
            self._of(split),
            layers=layers,
            size=size or self.subject.size,
            limit=limit,
            files=self.files,
        )

    def images(self, split: Split, *, limit: int | None) -> Iterator[Tensor]:
        """Yield the centre crops, `[b, 3, s, s]` in [0, 1], batch by batch."""
        images = self._chosen(split, limit=limit)
        return crops(self._of(split), images, size=self.subject.size)

    def encoded(
        self,
        split: Split,
        function: ImageFunction,
        *,
        content: Mapping[str, JsonValue],
        rows: Sequence[str] = ("encoder",),
        limit: int | None,
    ) -> Mapping[tuple[str, ...], FeatureMatrix]:
        """Return pooled features of images that a function derives from centre crops.

        The keys of the result are (row, *name).

        Args:
            function: derives images `[b, 3, s, s]` by name.
            content: everything that determines its output; part of the key of stored features.
            rows: names of the features; those that the model lacks are left out.
            limit: as above.
        """
        found = encode_function(
            self.subject,
            self._of(split),
            self._chosen(split, limit=limit),
            function=function,
            crop=partial(centre_crop, size=self.subject.size),
            content={"features": "function", **content},
            rows=self._rows(rows),
            files=self.files,
        )
        device = self.subject.device
        return {name: FeatureMatrix((Columns(x),), device=device) for name, x in found.items()}

    def pairs(
        self,
        split: Split,
        *,
        families: Mapping[str, OpCall],
        borders: tuple[Border, ...],
        rows: tuple[str, ...],
        draws: int,
        limit: int,
    ) -> PairFeatures:
        """Return features of at most `limit` pairs (I, g(I)) of a split, for rows of the model."""
        found = collect(
            self.subject,
            self._of(split),
            PairRequest(families, borders, self._rows(rows), draws, limit),
            view=0 if split == "train" else 1,
            files=self.files,
        )
        self._note(split, found.images)
        return found

    def predictions(self, split: Split, *, others: int, limit: int | None) -> Predictions:
        """Return representations and predictions of views of at most `limit` images of a split.

        Args:
            others: number of views of each image that are predicted.
            limit: as above.
        """
        assert self.predictor is not None, "the compiler refuses rewrites without one"
        images = chosen_images(len(self._of(split)), limit=limit)
        found = self.predictor(self._of(split), images, others=others)
        self._note(split, found.images)
        return found

    @property
    def device(self) -> torch.device | str:
        """Device of the model, on which readouts compute."""
        return self.subject.device

    def _rows(self, rows: Sequence[str]) -> tuple[str, ...]:
        return tuple(row for row in rows if row in self.subject.rows)

    def _chosen(self, split: Split, *, limit: int | None) -> np.ndarray:
        images = chosen_images(len(self._of(split)), limit=limit)
        self._note(split, images)
        return images

    def _note(self, split: Split, images: np.ndarray) -> None:
        self.read.setdefault(split, set()).update(images.tolist())

    def _of(self, split: Split) -> Dataset:
        return self.train if split == "train" else self.held_out
