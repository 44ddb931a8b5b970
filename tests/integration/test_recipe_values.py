"""An optimizer or a schedule in part is laid over the recipe's; a whole one says what it drops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Answer, ask
from tests.toy_specs import toy_text


def planned(folder: Path, *argv: str, method: str = "ibot", train: str = "") -> dict[str, Any]:
    reported = asked(folder, "plan", *argv, "--no-trace", "--json", method=method, train=train)
    assert reported.status == 0, reported.err
    found: dict[str, Any] = reported.data["plan"]
    return found


def asked(folder: Path, *argv: str, method: str = "ibot", train: str = "") -> Answer:
    spec = folder / "toy.yaml"
    text = toy_text(method).replace("batch: 8}", f"batch: 8{train}}}")
    spec.write_text(text)
    command, *rest = argv
    return ask(command, str(spec), *rest)


@pytest.mark.parametrize(
    ("value", "where", "name"),
    [
        ("schedule.params.warmup=2 steps", "lr", "warmup"),
        ("optimizer.params.eps=1.0e-6", "optimizer", "eps"),
    ],
)
def test_a_part_is_laid_over_the_recipe(value: str, where: str, name: str, tmp_path: Path) -> None:
    whole = planned(tmp_path)
    part = planned(tmp_path, "--set", f"train.{value}")
    before, after = whole["train"][where], part["train"][where]
    assert after["impl"] == before["impl"]
    assert {n for n in before["params"] if before["params"][n] != after["params"][n]} == {name}
    assert part["recipe"] != whole["recipe"]
    key = value.partition(".")[0]
    written = part["resolved"]["train"][key]
    assert written["impl"] == before["impl"]
    again = planned(
        tmp_path, train=f", {key}: {{impl: {written['impl']}, params: {flow(written)}}}"
    )
    assert again["recipe"] == part["recipe"], "written out, it is the same recipe"


def flow(call: dict[str, Any]) -> str:
    return json.dumps(call["params"])


def test_a_part_is_checked_as_a_whole_is(tmp_path: Path) -> None:
    reported = asked(tmp_path, "check", "--set", "train.schedule.params.no_such=1")
    assert reported.status == 2
    assert "no_such" in reported.err


def test_a_whole_optimizer_says_what_it_drops(tmp_path: Path) -> None:
    whole = ", optimizer: {impl: adamw, params: {lr: 1.0e-3}}"
    reported = asked(tmp_path, "check", train=whole)
    assert reported.status == 0, reported.err
    assert "EQ512" in reported.err
    assert "`weight_decay`" in reported.err
    assert "EQ512" not in asked(tmp_path, "check", train=", optimizer: {params: {lr: 1.0e-3}}").err
    full = ", optimizer: {impl: adamw, params: {lr: 1.0e-3, weight_decay: 0.1}}"
    assert "EQ512" not in asked(tmp_path, "check", train=full).err
