"""Features in files: encoded once, found again, encoded anew when stale or damaged; flat memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.errors import EqspecError
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import evaluate
from eqspec.evals.feature_files import FeatureFiles
from eqspec.evals.features import Subject
from eqspec.evals.images import encode_images
from eqspec.nn.readouts.measurement import ResultSet
from tests.fakes import FakeImages

MIB = 2**20


class Encoder:
    """Mean colours of the quarters; counts the images that it encodes."""

    def __init__(self, width: int = 4) -> None:
        self.width = width
        self.encoded = 0

    def __call__(self, images: Tensor) -> Tensor:
        self.encoded += len(images)
        pooled = torch.nn.functional.avg_pool2d(images, 16).flatten(2).transpose(1, 2)
        return pooled.repeat(1, 1, self.width)


def subject(encoder: Encoder) -> Subject:
    return Subject(encoder=encoder, prefix=0, size=32, mean=(0, 0, 0), std=(1, 1, 1))


def features(
    encoder: Encoder, files: FeatureFiles, *, images: FakeImages | None = None, limit: int = 9
) -> Tensor:
    found = encode_images(subject(encoder), images or FakeImages(20), limit=limit, files=files)
    return found.rows["encoder"].whole()


@pytest.fixture
def files(tmp_path: Path) -> FeatureFiles:
    return FeatureFiles(tmp_path / "features", state="a" * 64)


def test_features_are_encoded_once_and_are_those_of_memory(files: FeatureFiles) -> None:
    encoder = Encoder()
    first, again = features(encoder, files), features(encoder, files)
    assert encoder.encoded == 9
    assert torch.equal(first, again)
    assert torch.equal(first, features(Encoder(), FeatureFiles()))


@pytest.mark.parametrize(
    "other",
    [
        {"limit": 10},
        {"images": FakeImages(21)},
        {"images": FakeImages(20, height=50)},
        {"files": FeatureFiles(state="b" * 64)},
    ],
    ids=["images", "count", "data", "weights"],
)
def test_other_features_are_not_found(files: FeatureFiles, other: dict) -> None:
    encoder = Encoder()
    features(encoder, files)
    before = encoder.encoded
    where = FeatureFiles(files.folder, state=other.pop("files", files).state)
    features(encoder, where, **other)
    assert encoder.encoded > before


def damages():
    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-4])

    def altered(path: Path) -> None:
        raw = bytearray(path.read_bytes())
        raw[5] ^= 1
        path.write_bytes(raw)

    def gone(path: Path) -> None:
        path.unlink()

    def link(path: Path) -> None:
        path.rename(path.with_suffix(".elsewhere"))
        path.symlink_to(path.with_suffix(".elsewhere"))

    return [cut, altered, gone, link]


@pytest.mark.parametrize("damage", damages(), ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("suffix", [".f32", ".json"])
def test_what_is_not_as_it_was_written_is_encoded_again(
    files: FeatureFiles, damage, suffix: str
) -> None:
    encoder = Encoder()
    first = features(encoder, files)
    assert files.folder is not None
    (path,) = files.folder.rglob(f"*{suffix}")
    damage(path)
    assert torch.equal(features(encoder, files), first)
    assert encoder.encoded == 18
    features(encoder, files)
    assert encoder.encoded == 18


def test_nothing_done_to_features_reaches_their_file(files: FeatureFiles) -> None:
    encoder = Encoder()
    found = encode_images(subject(encoder), FakeImages(20), limit=9, files=files)
    first = found.rows["encoder"].whole().clone()
    found.rows["encoder"].columns[0].values.zero_()
    assert torch.equal(features(encoder, files), first)
    assert encoder.encoded == 9


def test_a_killed_encoding_leaves_no_features(files: FeatureFiles) -> None:
    class Killed(Encoder):
        def __call__(self, _: Tensor) -> Tensor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features(Killed(), files)
    assert files.folder is not None
    assert [p for p in files.folder.rglob("*") if p.is_file()] == []


def test_features_of_other_states_are_removed(files: FeatureFiles) -> None:
    later = FeatureFiles(files.folder, state="b" * 64)
    encoder = Encoder()
    features(encoder, files)
    features(encoder, later)
    later.forget_others()
    assert files.folder is not None
    assert [path.name for path in files.folder.iterdir()] == ["b" * 16]
    features(encoder, later)
    assert encoder.encoded == 18


def test_features_are_not_written_through_a_link(tmp_path: Path, files: FeatureFiles) -> None:
    assert files.folder is not None
    (tmp_path / "elsewhere").mkdir()
    files.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EqspecError, match="is a link"):
        features(Encoder(), files)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EqspecError, match=r"cannot write features: .*file"):
        features(Encoder(), FeatureFiles(tmp_path / "file", state="a" * 64))


class Interrupted(Encoder):
    """Stops when it is asked for images of the second split."""

    def __call__(self, images: Tensor) -> Tensor:
        if self.encoded >= 20:
            raise KeyboardInterrupt
        return super().__call__(images)


def test_an_interrupted_evaluation_need_not_encode_again(files: FeatureFiles) -> None:
    data = DataPlan(name="made", impl="made", params={}, split="train", count=20)
    params = {"k": [3], "temperature": 0.07}
    plan = EvalPlan(id="knn", name="knn", impl="knn", rev=1, params=params, data=data, steps=())

    def run(encoder: Encoder, where: FeatureFiles) -> ResultSet:
        bench = Bench(subject(encoder), train=FakeImages(20), held_out=FakeImages(12), files=where)
        return evaluate(plan, bench)

    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(), files)
    encoder = Encoder()
    found = run(encoder, files)
    assert encoder.encoded == 12
    assert found.measurements == run(Encoder(), FeatureFiles()).measurements


# --- memory ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain(FakeImages):
    """Images that take no time to make."""

    def image(self, i: int) -> np.ndarray:
        return np.full((32, 32, 3), i % 251, np.uint8)


class Peak:
    """The most memory that is not mapped from a file, while it is watched, in bytes."""

    def __enter__(self) -> Self:
        self.before = self.most = _anonymous()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self.most = max(self.most, _anonymous())

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def _anonymous() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize(
    ("impl", "params"),
    [
        ("knn", {"k": [5], "temperature": 0.07}),
        ("linear_probe", {"lrs": [0.1, 0.01], "slice": 0.1, "epochs": 1, "batch": 256}),
    ],
)
def test_memory_does_not_grow_with_the_features(
    impl: str, params: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eqspec.nn.readouts.nearest_neighbours.BLOCK", 512)
    monkeypatch.setattr("eqspec.nn.readouts.feature_matrix.WHOLE", 2**20)
    monkeypatch.setattr("eqspec.evals.images.AT_ONCE", 64)
    width, count = 3 * 1024, 12_000
    features_size = 4 * width * count
    bench = Bench(subject(Encoder(1024)), train=Plain(count), held_out=Plain(300))
    data = DataPlan(name="plain", impl="plain", params={}, split="train", count=count)
    plan = EvalPlan(id=impl, name=impl, impl=impl, rev=1, params=params, data=data, steps=())
    few = Bench(subject(Encoder(1024)), train=Plain(300), held_out=Plain(300))
    evaluate(plan, few)  # what is imported and compiled at first use stays in memory
    with Peak() as peak:
        evaluate(plan, bench)
    assert features_size > 140 * MIB
    assert peak.most - peak.before < features_size / 2
