"""Python API: `eqspec.load(run).encoder` and `eqspec.features(run, images)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eqspec.build.data.loader import Dataset
from eqspec.build.program import build_graph, choose_device
from eqspec.build.weights.restore import put_weights
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.evaluator import subject
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError, UsageError
from eqspec.evals.features import Subject, encode
from eqspec.evals.images import centre_crop, encode_images
from eqspec.nn.encoders.frozen_encoder import FrozenEncoder
from eqspec.nn.readouts.image_features import ImageFeatures
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.ops.decode import UnreadableImage
from eqspec.ops.find import find_dataset
from eqspec.runs import checkpoint, journal
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.query import find
from eqspec.runs.results import result_sets


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """Run with loaded weights.

    Attributes:
        path: folder of the run.
        plan: plan of the run.
        step: optimizer step of the loaded checkpoint.
        encoder: module from pixels in [0, 1], `[B, 3, s, s]`, to tokens `[B, N, D]`, class token
            first; the encoder of the teacher if the method has one.
        subject: the same encoder as evaluations use it, with the embedding if a rewrite cuts it.
    """

    path: Path
    plan: Plan
    step: int
    encoder: FrozenEncoder
    subject: Subject

    def __repr__(self) -> str:
        """Return the folder and the step; plan and weights fill pages."""
        return f"LoadedRun(path={str(self.path)!r}, step={self.step})"

    @property
    def metrics(self) -> tuple[Row, ...]:
        """All rows of `metrics.jsonl`: the step, and values by name.

        Raises:
            FolderMismatch: when the file has changed since the run was sealed.
        """
        folder = RunFolder(self.path)
        folder.sealed().require(folder.metrics.name)
        return tuple(journal.read(folder.metrics))

    @property
    def results(self) -> tuple[ResultSet, ...]:
        """All evaluations in the folder, by id and step.

        Raises:
            DamagedResult: when a result is damaged or has changed since the run was sealed.
        """
        return result_sets(RunFolder(self.path))


def load(
    run: str | Path, *, runs: str | Path = "runs", step: int | None = None, device: str = "auto"
) -> LoadedRun:
    """Load a run with the weights of a checkpoint.

    Args:
        run: path of the run, the start of its name, or `latest`.
        runs: folder that contains all runs, in which names are looked up.
        step: step of the checkpoint; by default the newest.
        device: `cpu`, `cuda`, or `auto` for CUDA if available.

    Raises:
        UsageError: when there is no such run or checkpoint.
        FolderMismatch: when files are damaged or have changed since the run was sealed.
    """
    path = find(Path(runs), reference=str(run))
    plan, folder = plan_in(path), RunFolder.open(path)
    saved = checkpoint.steps(folder.checkpoints)
    if not saved:
        raise EqspecError(f"`{path}` has no checkpoint yet", help="`eqspec run` resumes it")
    found = checkpoint.load_step(folder.checkpoints, step=saved[-1] if step is None else step)
    graph = build_graph(plan.graph, seed=plan.seed, device=choose_device(device))
    put_weights(graph, found.tensors, file=found.files[0])
    seen = subject(graph, plan)
    encoder = FrozenEncoder(
        graph.encoder(),
        prefix=seen.prefix,
        size=plan.image,
        mean=seen.mean,
        std=seen.std,
    ).to(seen.device)
    return LoadedRun(path=path, plan=plan, step=found.step, encoder=encoder, subject=seen)


def features(
    run: LoadedRun | FrozenEncoder | str | Path,
    images: Tensor | np.ndarray | str | Path,
    *,
    row: str = "encoder",
) -> Tensor:
    """Return pooled features of images, `[n, D]` in float32, as used by evaluations.

    Args:
        run: result of `load`, its encoder, or a run as in `load`.
        images: pixels in [0, 1], `[n, 3, s, s]`; or uint8 images `[n, H, W, 3]`; or a folder, of
            which all images are read, sorted by path. The last two are center-cropped.
        row: `encoder` (class token and mean patch), or `z_inv` or `z_equi` (mean patch of that
            part) if the embedding of the run is split.

    Raises:
        UsageError: when the images have another size, or the run has no such row.
        EqspecError: when images cannot be read, or features are not finite.
    """
    seen = _subject(run)
    if row not in seen.pooled_rows:
        message = f"this run has no features `{row}`, but {', '.join(seen.pooled_rows)}"
        advice = "a run has z_inv and z_equi if its spec splits the embedding"
        raise UsageError(message, help=advice if row in {"z_inv", "z_equi"} else None)
    if isinstance(images, str | Path):
        op = find_dataset("image_folder")
        everything = op.Params.model_validate({"layout": "flat", "share": 0.0})
        folder = op.open(everything, split="train", folder=Path(images))
        return _encoded(seen, folder).rows[row].whole()
    if isinstance(images, np.ndarray):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise UsageError(
                f"an array of images must be uint8 [n, H, W, 3], not {images.dtype} {images.shape}"
            )
        images = torch.stack([centre_crop(image, size=seen.size) for image in images])
    if images.shape[1:] != (3, seen.size, seen.size) or not images.is_floating_point():
        wanted = f"[n, 3, {seen.size}, {seen.size}] with pixels in [0, 1]"
        raise UsageError(f"images must be {wanted}, not {images.dtype} {tuple(images.shape)}")
    if images.numel() and not 0 <= float(images.min()) <= float(images.max()) <= 1:
        found = f"from {float(images.min()):.4g} to {float(images.max()):.4g}"
        raise UsageError(f"pixels must be in [0, 1], but these are {found}")
    return encode(seen, images.to(seen.device), rows=(row,))[row]


def _encoded(seen: Subject, folder: Dataset) -> ImageFeatures:
    """Return features of a folder's images; a damaged one is an error without the decoder's own."""
    try:
        return encode_images(seen, folder, limit=None)
    except UnreadableImage as error:
        raise error from None


def _subject(run: LoadedRun | FrozenEncoder | str | Path) -> Subject:
    if isinstance(run, LoadedRun):
        return run.subject
    if isinstance(run, FrozenEncoder):
        return Subject(
            encoder=run,
            prefix=run.prefix,
            size=run.size,
            mean=(0.0, 0.0, 0.0),  # FrozenEncoder normalises the pixels itself
            std=(1.0, 1.0, 1.0),
            device=run.mean.device,
        )
    return load(run).subject
