"""A toy run and its base, trained and evaluated through the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eqspec.runs.folder import RunFolder
from eqspec.runs.record import Outcome
from tests.command_line import Answer, ask
from tests.toy_specs import PATH, toy_text

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)

REST = """\
evaluate:
  - use: r2
    at: end
    with:
      families: {rot: {use: rot}}
      borders: [reflect]
      rows: [encoder]
      draws: 1
      train_pairs: 16
      heldout_pairs: 16
      hidden: [8]
      epochs: 1
      batch: 16
      seeds: 1
compare: {base: {equivariance: none}}
machine: {compile: "off"}
"""


@dataclass(frozen=True)
class Runs:
    """Folder with a toy run and a run of its base."""

    root: Path

    def ask(self, *argv: str) -> Answer:
        return ask(*argv, "--runs", str(self.root))

    def folder(self, spec: str = "toy") -> Path:
        (path,) = (self.root / spec).iterdir()
        return path

    def name(self, spec: str = "toy") -> str:
        return self.folder(spec).relative_to(self.root).as_posix()


def reseal(folder: Path) -> None:
    """Seal a folder as it is now, like someone who wants to hide a change."""
    opened = RunFolder(folder)
    record = opened.record()
    assert record is not None
    (folder / "record.json").unlink()
    opened.seal(Outcome(record.status, record.step))


def train_runs(folder: Path) -> Runs:
    """Train and evaluate the toy spec and its base."""
    spec = folder / "toy.yaml"
    spec.write_text(toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, extra=REST))
    runs = Runs(folder / "runs")
    done = runs.ask("run", str(spec))
    assert done.status == 0, done.err
    return runs
