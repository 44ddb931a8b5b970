"""Checkpoints whose hashes hold and whose content is another's: refused by name, never obeyed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from eqspec.runs.artifacts import entry_of
from tests.command_line import ask
from tests.hostile_weights import BOOM, Payload
from tests.toy_specs import toy_text

NORM = "students.encoder.norm.weight"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two of four steps."""
    root = tmp_path_factory.mktemp("stopped")
    (root / "toy.yaml").write_text(
        toy_text("vicreg", extra='machine: {compile: "off"}\nkeep: {last: 1}')
    )
    answer = ask("run", str(root / "toy.yaml"), "--runs", str(root / "runs"), "--steps", "2")
    assert answer.status == 0, answer.err
    return root


@pytest.fixture
def place(stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(stopped, tmp_path / "copy")


def checkpoints(place: Path) -> Path:
    (found,) = (place / "runs" / "toy").glob("*/checkpoints")
    return found


def sign(place: Path) -> None:
    """Makes the hashes hold again, as anyone can."""
    (listing,) = checkpoints(place).glob("step-*.json")
    data = json.loads(listing.read_text())
    for kind in ("tensors", "state"):
        entry = entry_of(checkpoints(place) / data[kind]["name"])
        data[kind] |= entry.model_dump()
    listing.write_text(json.dumps(data))


def state(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (path,) = folder.glob("*.state.pt")
        held = torch.load(path, weights_only=True)  # noqa: TID251 - to be changed
        change(held)
        torch.save(held, path)  # noqa: TID251 - to be changed

    return do


def listed(folder: Path) -> None:
    (path,) = folder.glob("*.state.pt")
    torch.save([1], path)  # noqa: TID251 - as no checkpoint is


def tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (path,) = folder.glob("*.safetensors")
        held = load_file(path)
        change(held)
        save_file(held, path)

    return do


def garbage(ending: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (path,) = folder.glob(f"*.{ending}")
        path.write_bytes(b"\xff" * 100)

    return do


def group(held: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = held["optimizer"]["param_groups"][0]
    return found


def moments(held: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = held["optimizer"]["state"][0]
    return found


CRAFTED: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "a payload": (state(lambda held: held.update(x=Payload())), "asks for code to be run"),
    "no state": (garbage("state.pt"), "is damaged"),
    "a list for a state": (listed, "is not the state of a checkpoint"),
    "no tensors": (garbage("safetensors"), "it is damaged, or not a file of weights"),
    "no optimizer": (state(lambda held: held.pop("optimizer")), "no state of this plan's"),
    "an optimizer of text": (state(lambda held: held.update(optimizer="x")), "no state of this"),
    "fewer groups": (state(lambda held: held["optimizer"]["param_groups"].pop()), "no state of"),
    "another setting": (state(lambda held: group(held).update(eps=1.0)), "has another `eps`"),
    "no rate": (state(lambda held: group(held).pop("lr")), "has another `lr`"),
    "moments left out": (state(lambda held: moments(held).popitem()), "other names or shapes"),
    "moments of another shape": (
        state(lambda held: moments(held).update({n: torch.ones(7) for n in moments(held)})),
        "other names or shapes",
    ),
    "a name left out": (tensors(lambda held: held.pop(NORM)), f"1 missing in the file (`{NORM}`)"),
    "another name": (tensors(lambda held: held.update(x=torch.ones(1))), "1 unexpected (`x`)"),
    "another shape": (tensors(lambda held: held.update({NORM: torch.ones(3)})), "another shape"),
    "another type": (
        tensors(lambda held: held.update({NORM: held[NORM].half()})),
        "of another type",
    ),
    "NaN": (tensors(lambda held: held[NORM].fill_(torch.nan)), f"`{NORM}` in it is not finite"),
}


@pytest.mark.parametrize("case", CRAFTED)
def test_a_run_does_not_go_on_from_a_crafted_checkpoint(case: str, place: Path) -> None:
    craft, reported = CRAFTED[case]
    craft(checkpoints(place))
    sign(place)
    answer = ask("run", str(place / "toy.yaml"), "--runs", str(place / "runs"))
    assert answer.status == 3, answer.err
    assert reported in answer.err.replace("\n", " ")
    assert "step-00000002." in answer.err, "the file is named"
    assert not Path(BOOM).exists()


def test_a_listing_names_no_file_outside_its_folder(place: Path) -> None:
    (listing,) = checkpoints(place).glob("step-*.json")
    shutil.copy(next(checkpoints(place).glob("*.safetensors")), place / "elsewhere.safetensors")
    data = json.loads(listing.read_text())
    data["tensors"]["name"] = "../../../../elsewhere.safetensors"
    listing.write_text(json.dumps(data))
    answer = ask("run", str(place / "toy.yaml"), "--runs", str(place / "runs"))
    assert answer.status == 3, answer.err
    assert f"`{listing}` is damaged" in answer.err.replace("\n", " ")


def test_an_untouched_copy_goes_on(place: Path) -> None:
    sign(place)
    answer = ask("run", str(place / "toy.yaml"), "--runs", str(place / "runs"))
    assert answer.status == 0, answer.err
