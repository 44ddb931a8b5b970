"""The generated reference has every command, option, field, card, op and code."""

from __future__ import annotations

import re

from docs.generate.markdown import table
from docs.generate.pages import generated
from eqspec.cli.app import COMMANDS, app
from eqspec.commands.explain.schema_fields import field_paths
from eqspec.ops.contract.bind import members
from eqspec.ops.contract.op import Op
from eqspec.ops.find import CONTRACTS, op_names
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import open_catalog
from eqspec.spec.codes.all_codes import CODES

PAGES = generated()


def headings(page: str, *, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", PAGES[page], re.MULTILINE)


def first_cells(page: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", PAGES[page], re.MULTILINE)


def test_every_command_with_its_options() -> None:
    assert headings("reference/commands.md", level=2) == [f"eqspec {name}" for name in COMMANDS]
    options = {o for c in app().commands.values() for p in c.params for o in p.opts if o[0] == "-"}
    shown = {
        word.strip(",") for cell in first_cells("reference/commands.md") for word in cell.split()
    }
    assert options <= shown


def test_options_show_the_values_to_choose_from() -> None:
    cells = first_cells("reference/commands.md")
    assert {r"--graph <text\|dot>", r"--level <L0\|L1\|L2\|L4>", "--set PATH=VALUE"} <= set(cells)


def test_every_field_once() -> None:
    assert sorted(first_cells("reference/fields.md")) == sorted(field_paths())


def test_every_card_with_its_text() -> None:
    names = [(f, n) for f in CARD_FAMILIES for n in open_catalog().names(f)]
    assert headings("reference/cards.md", level=2) == list(CARD_FAMILIES)
    assert first_cells("reference/cards.md") == [name for _, name in names]
    for family, name in names:
        assert f'??? note "{family}/{name}.yaml"' in PAGES["reference/cards.md"]


def test_every_op() -> None:
    names = [name for family in OP_FAMILIES for name in op_names(family)]
    assert headings("reference/ops.md", level=3) == names


def test_every_member_of_a_contract() -> None:
    assert headings("reference/contracts.md", level=2) == ["Every op", *CONTRACTS]
    for family, contract in CONTRACTS.items():
        _, _, section = PAGES["reference/contracts.md"].partition(f"\n## {family}\n")
        section, _, _ = section.partition("\n## ")
        own = {member.name for member in members(contract) if member not in members(Op)}
        assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == own
        assert "| function |" in section


def test_a_signature_has_no_self_and_no_quotes() -> None:
    (line, *_) = re.findall(
        r"^def drop_path_sampling.*$", PAGES["reference/contracts.md"], re.MULTILINE
    )
    assert line == (
        "def drop_path_sampling(params: OpParams) -> "
        "tuple[Literal['bernoulli', 'subset'], int | None]"
    )


def test_every_code() -> None:
    titles = [f"{code.code}: {code.title}" for code in CODES.values()]
    assert headings("reference/codes.md", level=2) == titles


def test_a_table_leaves_out_empty_columns_and_escapes_bars() -> None:
    lines = list(table(("a", "b", "c"), [("1|2", "", "x"), ("", "", "y")]))
    assert lines == ["| a | c |", "|---|---|", r"| 1\|2 | x |", "|  | y |"]
