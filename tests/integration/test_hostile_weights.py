"""Weights that strangers might send, through `check`: refused by name, and no payload runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from eqspec.build.program import build_graph
from tests.command_line import Answer, ask
from tests.hostile_weights import BOOM, ENCODERS, PICKLES, PLACES
from tests.published_files import VIT, state
from tests.published_specs import CPU, spec_text
from tests.toy_specs import toy_plan, toy_text

ALL = {**PICKLES, **ENCODERS, **PLACES}


def checked(folder: Path, weights: Path | str) -> Answer:
    spec = folder / "judged.yaml"
    spec.write_text(spec_text(weights, VIT))
    return ask("check", str(spec))


@pytest.mark.parametrize("name", ALL)
def test_hostile_published_weights_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, reported = ALL[name]
    make(tmp_path / "w.pth")
    answer = checked(tmp_path, tmp_path / "w.pth")
    assert answer.status == 2, answer.out
    assert reported in answer.err.replace("\n", " ")
    assert "EQ302" in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / BOOM).exists()


def test_what_training_scripts_store_beside_weights_is_read(tmp_path: Path) -> None:
    """Optimizers, bytes, sets, dtypes, half precision and the format before torch 1.6."""
    inside = {name: tensor.half() for name, tensor in state(VIT).items()}
    beside = {
        "opt": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1}]},
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "generator": torch.get_rng_state(),
        "python": tuple(range(626)),
    }
    for at, options in enumerate(({}, {"_use_new_zipfile_serialization": False})):
        path = tmp_path / f"{at}.pth"
        torch.save({"model": inside, **beside}, path, **options)  # noqa: TID251 - as they do
        answer = checked(tmp_path, path)
        assert answer.status == 2
        assert "unexpected (`generator`, `opt/state/0/step`)" in answer.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("~nobody-of-this-name/w.pth", "cannot be found"),
        ("/" + "a" * 300, "File name too long"),
        ("a\\0b", "null byte"),
        ("timm:vit_base_patch16_224.no_such_tag", "has no weights of the name"),
        ("timm:", "has no weights of the name"),
        ("timm:../../x", "has no weights of the name"),
    ],
)
def test_names_that_lead_nowhere(weights: str, expected: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, weights)
    assert answer.status == 2, answer.out
    assert expected in answer.err.replace("\n", " ")


def starting(folder: Path, weights: Path, *, partial: str = "") -> Answer:
    spec = folder / "toy.yaml"
    spec.write_text(toy_text("vicreg", extra=f'init_from: {{weights: "{weights}"{partial}}}'))
    return ask("check", str(spec))


@pytest.mark.parametrize("name", PLACES)
def test_hostile_places_to_start_from_are_refused(name: str, tmp_path: Path) -> None:
    make, reported = PLACES[name]
    make(tmp_path / "w.safetensors")
    answer = starting(tmp_path, tmp_path / "w.safetensors")
    assert answer.status == 2, answer.out
    assert reported in answer.err.replace("\n", " ")
    assert "EQ301" in answer.err


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("whole", ""),
        ("gone", "there is no file"),
        ("garbage", "is not a safetensors file"),
        ("missing", "1 missing in the file"),
        ("other", "1 unexpected (`extra`)"),
        ("shape", "1 of another shape"),
        ("type", "1 of another type"),
        ("nan", "contain values that are not finite"),
    ],
)
def test_check_says_of_a_start_what_run_will(case: str, expected: str, tmp_path: Path) -> None:
    held = build_graph(toy_plan("vicreg").graph, seed=5, device=CPU).state_dict()
    name = "students.encoder.norm.weight"
    changed = {
        "other": {"extra": torch.ones(1)},
        "shape": {name: torch.ones(33)},
        "type": {name: torch.ones(32).long()},
        "nan": {name: torch.full((32,), torch.nan)},
    }
    held = {n: t.clone() for n, t in held.items()} | changed.get(case, {})
    if case == "missing":
        del held[name]
    path = tmp_path / "w.safetensors"
    if case != "gone":
        save_file(held, path)
    if case == "garbage":
        path.write_bytes(b"\xff" * 64)
    answer = starting(tmp_path, path)
    assert answer.status == (2 if expected else 0), answer.err
    assert expected in answer.err.replace("\n", " ")
    if case == "shape":
        assert starting(tmp_path, path, partial=", partial: true").status == 0
