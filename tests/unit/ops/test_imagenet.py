"""Tests of the three layouts of ImageNet: same images, same labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops import tar_images
from eqspec.ops.datasets import imagenet1k
from eqspec.ops.decode import decode
from tests.fake_datasets import jpeg, shards, tar

PARAMS = imagenet1k.Params()


def opened(folder, *, split="train"):
    return imagenet1k.open(PARAMS, split=split, folder=folder)


@pytest.fixture
def folder(tmp_path):
    return shards(tmp_path / "shards")


@pytest.fixture
def thousand(tmp_path):
    """A thousand classes, of which two have images."""
    for split in ("train", "val"):
        for number in range(1000):
            (tmp_path / split / f"n{number:08d}").mkdir(parents=True)
    for name in ("train/n00000002/2_1.JPEG", "train/n00000001/1_2.JPEG", "val/n00000002/2_4.JPEG"):
        (tmp_path / name).write_bytes(jpeg(int(name[-6])))
    return tmp_path


def test_class_folders(thousand):
    train = opened(thousand)
    assert imagenet1k.recognises(PARAMS, thousand)
    assert train.files == ("n00000001/1_2.JPEG", "n00000002/2_1.JPEG")
    assert train.labels.tolist() == [1, 2]
    assert opened(thousand, split="heldout").labels.tolist() == [2]
    assert len(train.classes) == 1000


def test_class_folders_below_the_published_path(thousand, tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    (root / "ILSVRC" / "Data").mkdir(parents=True)
    (root / "ILSVRC" / "Data" / "CLS-LOC").symlink_to(thousand)
    assert opened(root).labels.tolist() == [1, 2]


def test_a_part_of_imagenet_is_refused(thousand):
    (thousand / "train" / "n00000999").rmdir()
    assert not imagenet1k.recognises(PARAMS, thousand)
    with pytest.raises(EqspecError, match="has 999 class folders, but ImageNet-1k has 1000") as at:
        opened(thousand)
    assert at.value.help == "to train on any folder of images: --data DIR"


def test_shards_are_read_at_random(folder):
    train = opened(folder)
    assert train.index.names == ("n00000002_1.JPEG", "n00000001_2.JPEG", "n00000002_3.JPEG")
    assert train.labels.tolist() == [1, 0, 1]
    for i, number in ((2, 3), (0, 1), (1, 2), (2, 3)):
        assert train.content(i) == (jpeg(number),)
        assert np.array_equal(train.image(i), decode(jpeg(number)))


def test_labels_of_shards_come_from_names_without_cls_members(tmp_path):
    tar(tmp_path / "train.tar", {"n00000007_1.JPEG": jpeg(1), "n00000003/2.JPEG": jpeg(2)})
    tar(tmp_path / "val.tar", {"n00000005_3.JPEG": jpeg(3)})
    assert opened(tmp_path).classes == ("n00000003", "n00000005", "n00000007")
    assert opened(tmp_path).labels.tolist() == [2, 0]
    assert opened(tmp_path, split="heldout").labels.tolist() == [1]
    tar(tmp_path / "train.tar", {"what.JPEG": jpeg(1)})
    with pytest.raises(EqspecError, match=r"has no class for `what\.JPEG`"):
        opened(tmp_path)


def kept(folder) -> list[Path]:
    return sorted((folder / ".eqspec-index").glob("*"))


def test_the_index_is_built_once_and_kept(folder):
    first = opened(folder)
    (home,) = kept(folder)
    stamp = home.stat().st_mtime_ns
    again = opened(folder)
    assert home.stat().st_mtime_ns == stamp
    assert again.index.names == first.index.names
    assert np.array_equal(again.index.places, first.index.places)
    assert again.fingerprint() == first.fingerprint()


def test_an_index_that_does_not_hold_is_built_anew(folder):
    opened(folder)
    (home,) = kept(folder)
    home.write_bytes(home.read_bytes()[:100])
    assert len(opened(folder)) == 3
    tar(folder / "train-0001.tar", {"n00000001_5.JPEG": jpeg(5), "n00000001_5.cls": b"0"})
    assert opened(folder).index.names[-1] == "n00000001_5.JPEG"
    shard = folder / "train-0000.tar"
    os.utime(shard, ns=(0, 0))
    assert len(opened(folder)) == 3


def test_shards_that_nothing_can_be_written_beside_are_read_all_the_same(folder, tmp_path):
    (folder / ".eqspec-index").write_text("occupied")
    home = tmp_path / "cache" / "x.npz"
    index = tar_images.indexed(sorted(folder.glob("train*.tar")), cache=home.parent)
    assert len(index.names) == 3
    assert len(list(home.parent.iterdir())) == 1


def test_a_damaged_shard_is_named(folder):
    shard = folder / "train-0001.tar"
    shard.write_bytes(shard.read_bytes()[:700])
    with pytest.raises(EqspecError, match=r"train-0001\.tar"):
        opened(folder)
    shard.write_bytes(b"no tar at all" * 100)
    with pytest.raises(EqspecError, match=r"cannot read the shard .*train-0001\.tar"):
        opened(folder)


def test_a_folder_that_is_not_imagenet_lists_the_layouts(tmp_path):
    with pytest.raises(EqspecError, match=r"none of the layouts .*train-\*\.parquet") as caught:
        opened(tmp_path)
    assert caught.value.exit_status == 2


class TestParquet:
    """Files as on the Hugging Face hub; pyarrow is an extra."""

    @pytest.fixture
    def folder(self, tmp_path):
        pytest.importorskip("pyarrow")
        parts = {
            "train-00000-of-00002": [(2, 1), (3, 0), (4, 1)],
            "train-00001-of-00002": [(5, 0)],
            "validation-00000-of-00001": [(6, 1)],
        }
        for name, rows in parts.items():
            self.write(tmp_path / "data" / f"{name}.parquet", rows)
        return tmp_path

    @staticmethod
    def write(path, rows, *, names=("a fish", "a bird")):
        import json

        import pyarrow as pa
        from pyarrow import parquet

        images = [{"bytes": jpeg(number), "path": None} for number, _ in rows]
        table = pa.table({"image": images, "label": [label for _, label in rows]})
        label = {"names": list(names), "_type": "ClassLabel"}
        written = {"huggingface": json.dumps({"info": {"features": {"label": label}}})}
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(table.replace_schema_metadata(written), path, row_group_size=2)

    def test_rows_are_read_at_random(self, folder):
        train = opened(folder)
        assert imagenet1k.recognises(PARAMS, folder)
        assert train.labels.tolist() == [1, 0, 1, 0]
        assert train.classes == ("a fish", "a bird")
        assert len(train.groups) == 3
        for i in (3, 0, 2, 1, 3):
            assert np.array_equal(train.image(i), decode(jpeg(i + 2)))
        assert opened(folder, split="heldout").labels.tolist() == [1]

    def test_a_damaged_image_names_its_row_and_a_damaged_file_itself(self, folder):
        path = folder / "data" / "train-00001-of-00002.parquet"
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.table({"image": [{"bytes": b"no image", "path": "x"}], "label": [0]})
        parquet.write_table(table, path)
        with pytest.raises(EqspecError, match=r"00001-of-00002\.parquet, row 3 of the split"):
            opened(folder).image(3)
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(EqspecError, match="cannot read the Parquet file"):
            opened(folder)

    def test_the_fingerprint_changes_with_the_images(self, folder):
        before = opened(folder).fingerprint()
        self.write(folder / "data" / "train-00001-of-00002.parquet", [(7, 0)])
        assert opened(folder).fingerprint() != before
