"""What is no regular file is not opened: reading it might never end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.errors import EqspecError
from eqspec.ops.datasets import image_folder
from eqspec.ops.decode import UnreadableImage, decode
from eqspec.ops.parquet_images import _opened
from eqspec.ops.tar_images import _members
from eqspec.ops.tolerant import Tolerant
from tests.fake_datasets import save
from tests.toy_specs import toy_text


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A test that waits for ever fails."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def bind(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)  # the file stays
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path], None]] = {
    "a FIFO": os.mkfifo,
    "a socket": bind,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}
EACH = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for at in range(20):
        save(tmp_path / "pictures" / f"{at:02}.png")
    return tmp_path / "pictures"


@EACH
def test_it_is_said_what_stands_there_instead_of_an_image(kind: str, tmp_path: Path) -> None:
    KINDS[kind](tmp_path / "x.png")
    with pytest.raises(UnreadableImage, match=rf"x\.png: it is {kind}, not a file"):
        decode(tmp_path / "x.png")


@EACH
def test_another_image_stands_for_it(kind: str, pictures: Path) -> None:
    KINDS[kind](pictures / "x.png")
    found = image_folder.open(image_folder.Params(), split="train", folder=pictures)
    dataset = Tolerant(found, limit=1)
    assert len(dataset) == 21
    assert dataset.image(20).shape == dataset.image(0).shape
    assert len(dataset.fingerprint()) == 64
    (reason,) = dataset.unreadable.values()
    assert f"it is {kind}" in reason


def test_a_link_to_nothing_has_a_fingerprint(pictures: Path) -> None:
    (pictures / "x.png").symlink_to(pictures / "gone")
    found = image_folder.open(image_folder.Params(), split="train", folder=pictures)
    assert len(Tolerant(found, limit=1).fingerprint()) == 64


def test_check_counts_and_names_it(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(pictures / "x.png")
    spec = tmp_path / "toy.yaml"
    spec.write_text(toy_text("vicreg"))
    assert main(["check", str(spec), "--data", str(pictures)]) == 0
    assert "x.png: it is a FIFO, not a file" in "".join(capsys.readouterr())


@pytest.mark.parametrize("opens", [_members, _opened], ids=["tar", "parquet"])
def test_shards_are_files_too(opens: Callable[[Path], object], tmp_path: Path) -> None:
    if opens is _opened:
        pytest.importorskip("pyarrow")
    os.mkfifo(tmp_path / "shard")
    with pytest.raises(EqspecError, match="it is a FIFO, not a file"):
        opens(tmp_path / "shard")
