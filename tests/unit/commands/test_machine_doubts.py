from __future__ import annotations

import pytest

from eqspec.build.toolchain import Toolchain
from eqspec.commands.planning.machine_doubts import MachineFacts, machine_doubts
from tests.toys import load_toy, plan_of

WHOLE = Toolchain(compiler=True, headers=True)


def codes(facts: MachineFacts, *, extra: str = "", train: str = "") -> list[tuple[str, str]]:
    from eqspec.spec.load import parse_spec
    from tests.toys import toy_text

    text = toy_text("vicreg", extra=extra).replace("batch: 8}", f"batch: 8{train}}}")
    loaded = parse_spec(text, path=load_toy("vicreg").path)
    return [
        (d.code, d.message) for d in machine_doubts(plan_of(loaded), loaded.source, facts=facts)
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


@pytest.mark.parametrize(
    ("cuda", "flags", "doubted"),
    [
        (False, {"avx2"}, True),
        (False, {"avx2", "avx512_bf16"}, False),
        (True, {"avx2"}, False),
        (False, set(), False),  # unknown
    ],
)
def test_bf16_is_doubted_where_it_would_be_emulated(cuda: bool, flags: set[str], doubted: bool):
    facts = MachineFacts(WHOLE, cuda=cuda, flags=frozenset(flags))
    found = codes(facts, train=", precision: bf16")
    assert [code for code, _ in found] == (["EQ505"] if doubted else [])
    assert codes(facts) == []
