"""What a person sees: commands with their output and exit status, word for word.

`pytest tests/golden --update-golden` writes the files anew; their diff is reviewed like code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.registry.catalog import Catalog
from eqspec.registry.places import registry_root
from tests.recorded import recorded_cards
from tests.toy_specs import PATH, toy_text

HERE = Path(__file__).parent / "transcripts"

OFF = 'machine: {compile: "off"}'
RIGHT = toy_text(
    "vicreg", equivariance=PATH, extra=f"compare: {{base: {{equivariance: none}}}}\n{OFF}"
).replace("4 steps", "20 epochs")
WRONG = """\
schema: 1
schema: 1
data: {use: photoz}
backbone: {use: vit_micro_patch8, with: {patch: 12}}
method: {use: vicreg, with: {embed.width: 256}}
equivariance:
  use: intermediate-reconstruction
  transform: {use: rot, with: {degrees: [45, -45]}}
  lamda: 30
  d_equi: 256
train: {length: 20, batch: 63, optimizer: {impl: adamw, params: {lr: fast}}}
machine: {micro_batches: 2, compile: off}
"""
TABBED = "schema: 1\ndata:\n\tuse: photos\n"
DOUBTFUL = f"""\
schema: 1
data: {{use: photos}}
augment: {{use: photos_light, with: {{global.views.0.steps: [{{impl: grayscale}}]}}}}
backbone: {{use: vit_micro_patch8}}
method: {{use: vicreg}}
equivariance: {{use: intermediate-reconstruction, transform: {{use: color}}, split: 0.5, lambda: 0}}
train: {{length: 20 epochs, batch: 64}}
{OFF}
"""

COMMANDS = {
    "check-right": ("check", "right.yaml"),
    "check-wrong": ("check", "wrong.yaml"),
    "check-github": ("check", "wrong.yaml", "--output-format", "github"),
    "check-tab": ("check", "tabbed.yaml"),
    "check-doubtful": ("check", "doubtful.yaml"),
    "check-set": ("check", "right.yaml", "--set", "train.batch=many", "--set", "seed.x=1"),
    "check-nowhere": ("check", "rihgt.yaml"),
    "unknown-command": ("chekc", "right.yaml"),
    "explain-code": ("explain", "EQ502"),
    "explain-no-code": ("explain", "EQ999"),
    "explain-field": ("explain", "equivariance.lambda"),
    "explain-value": ("explain", "right.yaml", "method.projector.widths"),
    "explain-set": ("explain", "right.yaml", "train.batch", "--set", "train.batch=16"),
    "explain-op-default": ("explain", "right.yaml", "backbone.mlp_ratio"),
    "explain-unknown": ("explain", "right.yaml", "equivariance.spilt"),
    "init-over-files": ("init", ".", "--plugin", "my-transforms"),
}
"""Name of the transcript → its command line."""

WIDTHS = (60, 80, 120)

AT_WIDTHS = {
    "check-right": COMMANDS["check-right"],
    "check-wrong": COMMANDS["check-wrong"],
    "explain-code": COMMANDS["explain-code"],
    "explain-field": COMMANDS["explain-field"],
    "list-equivariance": ("list", "equivariance"),
    "list-layouts": ("list", "layouts"),
    "plan": ("plan", "right.yaml", "--no-trace"),
    "ablate-dry-run": ("ablate", "right.yaml", "--grid", "lambda=1,10", "--dry-run"),
}
"""The same at every one of the widths, of a terminal that wide."""

TRANSCRIPTS = {name: (argv, None) for name, argv in COMMANDS.items()} | {
    f"{name}-{width}": (argv, width) for name, argv in AT_WIDTHS.items() for width in WIDTHS
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    every = Catalog.names

    def names(catalog: Catalog, family: str) -> tuple[str, ...]:
        """Return the cards that messages and tables list, without those not recorded yet."""
        return tuple(n for n in every(catalog, family) if n in recorded_cards(family))

    monkeypatch.setattr(Catalog, "names", names)
    for name in ("EQSPEC_DEBUG", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    files = {"right": RIGHT, "wrong": WRONG, "tabbed": TABBED, "doubtful": DOUBTFUL}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "README.md").write_text("mine\n")
    return tmp_path


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(
    name: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    argv, width = TRANSCRIPTS[name]
    if width is not None:
        monkeypatch.setenv("COLUMNS", str(width))
    status = main(list(argv))
    out, err = capsys.readouterr()
    parts = [f"$ eqspec {' '.join(argv)}\n"]
    parts += [f"-- {title}\n{text}" for title, text in (("stdout", out), ("stderr", err)) if text]
    text = "".join(parts) + f"-- exit {status}\n"
    text = text.replace(str(registry_root()), "<registry>").replace(str(folder), "<folder>")
    file = HERE / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text
    assert "Traceback" not in text


def test_no_transcript_is_left_of_what_is_gone() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == set(TRANSCRIPTS)
