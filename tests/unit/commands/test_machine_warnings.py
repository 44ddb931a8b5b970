from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.build.toolchain import Toolchain
from eqspec.commands.planning.machine_warnings import MachineFacts, warnings_on_machine
from eqspec.runs.environment import gpu_capabilities
from tests.toy_specs import load_toy, plan_of

WHOLE = Toolchain(compiler=True, headers=True)


def codes(
    facts: MachineFacts, *, extra: str = "", train: str = "", batch: int = 8
) -> list[tuple[str, str]]:
    from eqspec.spec.load import parse_spec
    from tests.toy_specs import toy_text

    text = toy_text("vicreg", extra=extra, batch=batch)
    text = text.replace(f"batch: {batch}}}", f"batch: {batch}{train}}}")
    loaded = parse_spec(text, path=load_toy("vicreg").path)
    return [
        (d.code, d.message)
        for d in warnings_on_machine(plan_of(loaded), loaded.source, facts=facts)
    ]


@pytest.mark.parametrize(
    ("toolchain", "words"),
    [
        (Toolchain(compiler=False, headers=True), "no C++ compiler (`g++`) here"),
        (Toolchain(compiler=True, headers=False), "no Python's headers here"),
    ],
)
def test_without_a_tool_compile_is_off_visibly(toolchain: Toolchain, words: str):
    facts = MachineFacts(toolchain, cuda=False, flags=frozenset())
    ((code, message),) = codes(facts)
    assert code == "EQ504"
    assert words in message
    assert message.endswith("compile is off")
    ((_, forced),) = codes(facts, extra='machine: {compile: "on"}')
    assert "cannot work" in forced
    assert codes(facts, extra='machine: {compile: "off"}') == []


HAS = frozenset({"avx2", "avx512_bf16"})


@pytest.mark.parametrize(
    ("cuda", "flags", "doubted"),
    [
        (False, {"avx2"}, True),
        (True, {"avx2"}, False),
        (False, set(), False),  # unknown
    ],
)
def test_bf16_is_doubted_where_it_would_be_emulated(cuda: bool, flags: set[str], doubted: bool):
    facts = MachineFacts(WHOLE, cuda=cuda, flags=frozenset(flags))
    found = codes(facts, train=", precision: bf16")
    assert [code for code, _ in found] == (["EQ505"] if doubted else [])
    assert codes(facts) == []


@pytest.mark.parametrize(
    ("batch", "extra", "tokens"),
    [
        (8, "", 272),  # two views of 17 tokens, width 32
        (36, "", 1224),
        (37, "", None),
        (74, "machine: {micro_batches: 2}", None),
        (72, "machine: {micro_batches: 2}", 1224),
    ],
)
def test_small_encoders_gain_nothing_where_bf16_is_at_home(
    batch: int, extra: str, tokens: int | None
):
    """40,000 numbers are 1,250 tokens of width 32: what is encoded at once counts."""
    facts = MachineFacts(WHOLE, cuda=False, flags=HAS)
    found = codes(facts, extra=extra, train=", precision: bf16", batch=batch)
    assert [code for code, _ in found] == ([] if tokens is None else ["EQ505"])
    assert codes(facts, extra=extra, batch=batch) == []
    if tokens is not None:
        assert f"width 32 over {tokens:,} tokens" in found[0][1]


@pytest.mark.parametrize(
    ("gpus", "device", "doubted"),
    [
        ((7.5,), "auto", True),
        ((8.0,), "auto", False),
        ((9.0, 7.0), "cuda", True),
        ((), "cuda", False),  # unknown
    ],
)
def test_a_gpu_without_bf16_is_doubted(gpus: tuple[float, ...], device: str, doubted: bool):
    facts = MachineFacts(WHOLE, cuda=True, flags=HAS, gpus=gpus)
    extra = f"machine: {{device: {device}}}"
    found = codes(facts, extra=extra, train=", precision: bf16")
    assert [code for code, _ in found] == (["EQ505"] if doubted else [])
    assert codes(facts, extra=extra) == []
    if doubted:
        assert "this GPU has no bf16 arithmetic" in found[0][1]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 7.5; echo 9.0", (7.5, 9.0)),
        ("echo '[N/A]'", ()),
        ("exit 9", ()),
    ],
)
def test_what_the_driver_says_of_gpus(
    script: str, found: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert gpu_capabilities() == found
