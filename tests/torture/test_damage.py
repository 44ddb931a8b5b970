"""Sealed folders are damaged and found to be; damaged files and specs are refused in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eqspec.commands.audit.levels import Level, audit
from eqspec.errors import FolderMismatch
from tests.damage import Drawn, damaged_bytes
from tests.property.test_spec_damage import LEGAL, UNTRAINED, second_pass
from tests.run_readers import damages, read_all
from tests.trained_runs import Runs, train_runs

if TYPE_CHECKING:
    from tests.torture.conftest import Tally

pytestmark = [pytest.mark.slow, pytest.mark.torture]
FLIPS, FOLDERS, SPECS = 400, 3000, 4000
"""Cases of each test, without `--torture-every`."""


@pytest.fixture
def copied(tmp_path: Path) -> Runs:
    (tmp_path / "made").mkdir()
    return train_runs(tmp_path / "made")


@pytest.fixture
def every(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--torture-every")


def flip(path: Path, drawn: Drawn, _: Path) -> None:
    data = bytearray(path.read_bytes())
    data[drawn.below(len(data))] ^= 1 << drawn.below(8)
    path.write_bytes(data)


def cut(path: Path, drawn: Drawn, _: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: drawn.below(len(data))])


def swap(path: Path, _: Drawn, other: Path) -> None:
    mine, others = path.read_bytes(), other.read_bytes()
    path.write_bytes(others)
    other.write_bytes(mine)


def lose(path: Path, _: Drawn, __: Path) -> None:
    path.unlink()


def add(path: Path, drawn: Drawn, _: Path) -> None:
    path.with_name(f"{path.name}.{drawn.below(1000)}").write_bytes(b"more")


DAMAGES: dict[str, Callable[[Path, Drawn, Path], None]] = {
    "flipped bits": flip,
    "files cut short": cut,
    "files swapped": swap,
    "files lost": lose,
    "files added": add,
}


def noticed(folder: Path, *, root: Path) -> str:
    """What an audit says of a damaged folder; one without a plan is refused."""
    try:
        found = audit(folder, root=root, level=Level.INTACT)
    except FolderMismatch as error:
        return error.message
    assert not found.holds
    return str([*found.findings])


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_to_a_sealed_folder_is_found(
    kind: str, copied: Runs, tally: Tally, every: int, tmp_path: Path
) -> None:
    folder = copied.folder()
    shutil.rmtree(folder / ".live")  # the present: never sealed
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = shutil.copytree(folder, tmp_path / "kept")
    for number in range(0, FLIPS // len(DAMAGES), every):
        drawn = Drawn(kind, number)
        path = drawn.of(files)
        name = path.relative_to(folder).as_posix()
        other = drawn.of([o for o in files if o.read_bytes() != path.read_bytes()])
        with tally.case(kind, f"{name}, number {number}"):
            DAMAGES[kind](path, drawn, other)
            named = noticed(folder, root=copied.root)
            assert name in named or "record.json" in named, named
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
    assert audit(folder, root=copied.root, level=Level.INTACT).holds, "without any damage"


def test_damaged_files_of_a_run_are_refused_in_words(
    copied: Runs, tally: Tally, every: int
) -> None:
    name, other = copied.name(), copied.name("toy-base")
    for reported, file, damaged in damages(copied.folder(), count=FOLDERS // every, seed=1):
        whole = file.read_bytes()
        file.write_bytes(damaged)
        with tally.case("damaged files of run folders", reported):
            read_all(copied.root, name, other)
        file.write_bytes(whole)


def test_damaged_specs_are_refused_in_words(tally: Tally, every: int) -> None:
    for number in range(0, SPECS, every):
        drawn = Drawn("spec", number)
        damaged = drawn.of((LEGAL, UNTRAINED)).encode()
        for _ in range(1 + drawn.below(3)):
            damaged = damaged_bytes(damaged, drawn)
        with tally.case("damaged specs", f"number {number}: {damaged!r}"):
            second_pass(damaged.decode(errors="replace"))
