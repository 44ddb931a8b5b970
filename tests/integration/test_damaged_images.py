"""A run on a folder some of whose images are damaged goes on, and says which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import eqspec
from eqspec.cli.main import main
from eqspec.errors import EqspecError
from tests.command_line import ask
from tests.fake_datasets import CORRUPT_EXIF, EPS, save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from pathlib import Path

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)


def _folder(root: Path, *, damaged: int) -> Path:
    for i in range(24):
        path = save(root / ("val" if i < 4 else "train") / f"{i:02d}.jpg")
        if 4 <= i < 4 + damaged:
            path.write_bytes(path.read_bytes()[:300])
    return root


def _run(folder: Path, pictures: Path, *more: str) -> int:
    spec = folder / "toy.yaml"
    text = toy_text("vicreg", backbone=BACKBONE)
    spec.write_text(f'{text}\nmachine: {{compile: "off"}}\n')
    runs = ("--runs", str(folder / "kept"))
    return main(["run", str(spec), "--data", str(pictures), *runs, *more])


def test_damage_is_skipped_counted_and_logged(tmp_path: Path, capsys) -> None:
    pictures = _folder(tmp_path / "pictures", damaged=3)
    assert _run(tmp_path, pictures, "--set", "data.with.unreadable=3") == 0
    text = capsys.readouterr().err
    assert "cannot read the image" in text
    assert ", and 2 more images; each is replaced by another image\n" in text
    (run,) = (tmp_path / "kept" / "toy").iterdir()
    log = (run / "log.txt").read_text()
    named = {line.split("04.jpg")[0] for line in log.splitlines() if "cannot read" in line}
    assert len([line for line in log.splitlines() if "cannot read the image" in line]) == 3, named
    assert log.count("; it is replaced by another image\n") == 3
    assert "finished" in log


def test_more_than_is_borne_fails_and_names_them(tmp_path: Path, capsys) -> None:
    pictures = _folder(tmp_path / "pictures", damaged=3)
    assert _run(tmp_path, pictures, "--set", "data.with.unreadable=1") == 1
    text = capsys.readouterr().err
    assert "2 images cannot be read, but at most 1 is allowed:" in text
    assert "--set data.with.unreadable=N" in text
    assert "Traceback" not in text
    for command in (("status",), ("show", "latest")):
        page = " ".join(ask(*command, "--runs", str(tmp_path / "kept")).out.split())
        assert "2 images cannot be read, but at most 1 is allowed: cannot read the image" in page
    more = ("--set", "data.with.unreadable=3")
    assert _run(tmp_path, pictures, *more) == 0, "the same recipe: it goes on where it stopped"
    assert "cannot be read" not in ask("status", "--runs", str(tmp_path / "kept")).out


def test_a_twentieth_of_a_small_set_may_be_damaged(tmp_path: Path, capsys) -> None:
    """Of 20 training images, 2 stop the run, though each could be replaced."""
    pictures = _folder(tmp_path / "pictures", damaged=2)
    assert _run(tmp_path, pictures) == 1
    error = capsys.readouterr().err
    assert "2 images cannot be read, but at most 1 is allowed:" in error
    assert "--set data.with.unreadable=N, a number of images; the default is at most 5 % " in error
    save(pictures / "train" / "04.jpg")
    (tmp_path / "repaired").mkdir()
    assert _run(tmp_path / "repaired", pictures) == 0


def test_features_of_a_damaged_image_are_refused_with_its_name(tmp_path: Path) -> None:
    pictures = _folder(tmp_path / "pictures", damaged=0)
    assert _run(tmp_path, pictures) == 0
    (run,) = (tmp_path / "kept" / "toy").iterdir()
    damaged = pictures / "val" / "02.jpg"
    damaged.write_bytes(damaged.read_bytes()[:300])
    with pytest.raises(EqspecError, match=f"cannot read the image {damaged}: ") as caught:
        eqspec.features(run, pictures / "val")
    assert caught.value.__cause__ is None, "no traceback of the decoder"


def test_an_evaluation_by_class_is_refused_with_its_code(tmp_path: Path) -> None:
    pictures = _folder(tmp_path / "pictures", damaged=0)
    assert _run(tmp_path, pictures) == 0
    (run,) = (tmp_path / "kept" / "toy").iterdir()
    for evaluation in ("knn", "linear-probe-images"):
        answer = ask("eval", str(run), "--use", evaluation, "--data", str(pictures))
        assert answer.status == 2
        assert f"error[EQ040]: `{evaluation}` needs labels" in answer.err


def test_other_images_in_the_same_recipe_are_refused(tmp_path: Path, capsys) -> None:
    assert _run(tmp_path, _folder(tmp_path / "one", damaged=0), "--steps", "1") == 0
    other = _folder(tmp_path / "other", damaged=1)
    assert _run(tmp_path, other) == 3
    assert "data" in capsys.readouterr().err


def test_what_the_decoder_warns_of_is_said_once_with_the_file(tmp_path: Path, capsys) -> None:
    pictures = _folder(tmp_path / "pictures", damaged=0)
    odd = pictures / "train" / "09.jpg"
    Image.open(odd).save(odd, exif=CORRUPT_EXIF)
    (pictures / "train" / "10.jpg").write_bytes(EPS)
    assert _run(tmp_path, pictures) == 0
    text = " ".join(capsys.readouterr().err.split())
    assert text.count("Skipping tag 270") == 1
    assert re.search(r"warning: the decoder remarks on \S+09\.jpg: Tag data", text)
    assert "10.jpg: not in one of the formats BMP, JPEG, PNG, PPM, TIFF, WEBP" in text
    assert ".py:" not in text, "no warning of Python's own"
    (run,) = (tmp_path / "kept" / "toy").iterdir()
    assert (run / "log.txt").read_text().count("Skipping tag 270") == 1
