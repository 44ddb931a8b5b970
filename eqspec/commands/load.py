"""What Python code asks for: `eqspec.load(run).encoder` and `eqspec.features(run, images)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eqspec.build.program import build_graph, choose_device
from eqspec.build.weights.restore import put_weights
from eqspec.commands.eval import plan_in
from eqspec.commands.running.evaluator import subject
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError, UsageError
from eqspec.evals.features import Subject, encode
from eqspec.evals.images import centre_crop, encode_images
from eqspec.nn.encoders.frozen_encoder import FrozenEncoder
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.ops.find import find_dataset
from eqspec.runs import checkpoint, journal
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.query import find
from eqspec.runs.results import result_sets


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run, its weights in place.

    Attributes:
        path: its folder.
        step: of the checkpoint that was loaded, in optimizer steps.
        encoder: pixels in [0, 1], `[B, 3, s, s]`, to tokens `[B, N, D]`, class token first; the
            teacher's, if the method has one.
        subject: the same as evaluations see it, with the embedding where a rewrite has cut one.
    """

    path: Path
    plan: Plan
    step: int
    encoder: FrozenEncoder
    subject: Subject

    @property
    def metrics(self) -> tuple[Row, ...]:
        """Every row of `metrics.jsonl`: its step, and values by name.

        FolderMismatch when it is not as it was sealed.
        """
        folder = RunFolder(self.path)
        folder.sealed().need(folder.metrics.name)
        return tuple(journal.read(folder.metrics))

    @property
    def results(self) -> tuple[ResultSet, ...]:
        """Every evaluation that the folder holds, by id and step.

        DamagedResult when one is damaged, or not as it was sealed.
        """
        return result_sets(RunFolder(self.path))


def load(
    run: str | Path, *, runs: str | Path = "runs", step: int | None = None, device: str = "auto"
) -> LoadedRun:
    """A run with the weights of a checkpoint.

    Args:
        run: its path, the beginning of its name, or `latest`.
        runs: folder of all runs, where names are looked up.
        step: of the checkpoint; the newest unless said otherwise.
        device: `cpu`, `cuda`, or `auto` for CUDA where there is one.

    Raises:
        UsageError: when there is no such run or no such checkpoint.
        FolderMismatch: when its files are damaged, or not as they were sealed.
    """
    path = find(Path(runs), reference=str(run))
    plan, folder = plan_in(path), RunFolder.open(path)
    saved = checkpoint.steps(folder.checkpoints)
    if not saved:
        raise EqspecError(f"`{path}` has no checkpoint yet", help="`eqspec run` goes on with it")
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
    """Pooled features of images, `[n, D]` in fp32: what every evaluation reads.

    Args:
        run: what `load` returned, its encoder alone, or what `load` takes.
        images: pixels in [0, 1], `[n, 3, s, s]`; or uint8 images `[n, H, W, 3]`; or a folder of
            images, in the sorted order of their paths. Of the last two, centre crops are taken.
        row: `encoder` (class token and mean patch), or of a run whose embedding is split `z_inv`
            or `z_equi` (mean patch of that part).

    Raises:
        UsageError: images of another size, or a row that the run does not have.
        EqspecError: images that cannot be read, or features that are not finite.
    """
    seen = _subject(run)
    if row not in seen.rows:
        raise UsageError(
            f"there are no features `{row}`", help=f"there are: {', '.join(seen.rows)}"
        )
    if isinstance(images, str | Path):
        op = find_dataset("image_folder")
        folder = op.open(op.Params(), split="train", folder=Path(images))
        return encode_images(seen, folder, limit=None).rows[row].whole()
    if isinstance(images, np.ndarray):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise UsageError(
                f"arrays of images are uint8 [n, H, W, 3], not {images.dtype} {images.shape}"
            )
        images = torch.stack([centre_crop(image, size=seen.size) for image in images])
    if images.shape[1:] != (3, seen.size, seen.size) or not images.is_floating_point():
        wanted = f"[n, 3, {seen.size}, {seen.size}] of pixels in [0, 1]"
        raise UsageError(f"images are {wanted}, not {images.dtype} {tuple(images.shape)}")
    return encode(seen, images.to(seen.device), rows=(row,))[row]


def _subject(run: LoadedRun | FrozenEncoder | str | Path) -> Subject:
    if isinstance(run, LoadedRun):
        return run.subject
    if isinstance(run, FrozenEncoder):
        return Subject(
            encoder=run,
            prefix=run.prefix,
            size=run.size,
            mean=(0.0, 0.0, 0.0),  # it normalises by itself
            std=(1.0, 1.0, 1.0),
            device=run.mean.device,
        )
    return load(run).subject
