"""Shards and Parquet files that go while a run reads them stop it, until they are back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eqspec.cli.main import main
from eqspec.ops.parquet_images import ParquetImages
from eqspec.ops.tar_images import TarImages
from tests.fake_datasets import jpeg, tar
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)
DATA = (
    "{card: dataset, rev: 1, name: mine, about: Images in few files., impl: imagenet1k, "
    "facts: {mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}}"
)
FILES, IN_EACH = 2, 10
"""Files of training images, and images in each of them."""


def tars(root: Path, split: str, part: int, *, numbers: range) -> None:
    members = {f"n00000001_{n}.JPEG": jpeg(n) for n in numbers}
    tar(root / f"{split}-{part}.tar", members)


def parquets(root: Path, split: str, part: int, *, numbers: range) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"image": {"bytes": jpeg(n), "path": f"{n}.jpg"}, "label": 0} for n in numbers]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, root / f"{split}-{part}-of-2.parquet", row_group_size=1)


LAYOUTS = {"tar": (TarImages, tars), "parquet": (ParquetImages, parquets)}

BEFORE = {"tar": FILES * IN_EACH + 18, "parquet": 18}
"""Images read before a file goes, in the third step: the fingerprint has read those of shards."""


@pytest.fixture
def folder(layout: str, tmp_path: Path) -> Path:
    root = tmp_path / "images"
    root.mkdir()
    if layout == "parquet":
        pytest.importorskip("pyarrow")
    write = LAYOUTS[layout][1]
    for part in range(FILES):
        write(root, "train", part, numbers=range(part * IN_EACH, (part + 1) * IN_EACH))
    write(root, "val", 0, numbers=range(100, 104))
    return root


@pytest.fixture
def train(tmp_path: Path, folder: Path) -> Callable[..., int]:
    text = toy_text("vicreg", backbone=BACKBONE).replace("{use: photos}", DATA)
    (tmp_path / "toy.yaml").write_text(f'{text}\nmachine: {{compile: "off"}}\n')

    def run(runs: str, *more: str) -> int:
        spec, place = tmp_path / "toy.yaml", ("--runs", str(tmp_path / runs))
        return main(["run", str(spec), "--data", str(folder), *place, *more])

    return run


def the_run(runs: Path) -> Path:
    (found,) = (runs / "toy").iterdir()
    return found


@pytest.mark.parametrize(("layout", "workers"), [("tar", "1"), ("parquet", "0")])
def test_a_file_that_is_away_stops_the_run_which_then_goes_on(
    workers: str,
    layout: str,
    train: Callable[..., int],
    tmp_path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert train("undisturbed") == 0
    kind = LAYOUTS[layout][0]
    (gone, *_) = sorted(folder.glob("train-0*"))
    away, read, seen = tmp_path / "away", kind.content, iter(range(BEFORE[layout] + 1))

    def content(self: TarImages | ParquetImages, number: int) -> tuple[bytes, ...]:
        if next(seen, None) == BEFORE[layout]:
            gone.rename(away)
        return read(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(kind, "content", content)
        assert train("kept", "--set", f"machine.workers={workers}") == 1
    text = " ".join(capsys.readouterr().err.split())
    assert f"an image has disappeared: {gone}: No such file" in text
    assert "the same command" in text
    assert "replaced by another" not in text
    run = the_run(tmp_path / "kept")
    assert not (run / "record.json").exists(), "it has not ended"
    away.rename(gone)
    assert train("kept") == 0
    undisturbed = the_run(tmp_path / "undisturbed")
    for name in ("metrics.jsonl", "data/checksums", "data/record.json"):
        assert (run / name).read_bytes() == (undisturbed / name).read_bytes(), name
