"""The page `docs/adding.md`: which files a new thing needs, from the contracts of ops.

`python -m docs.generate.adding` writes the page again; a test compares it with the contracts.
"""

from __future__ import annotations

from pathlib import Path

from docs.generate.markdown import code, table
from eqspec.ops.contract.bind import members
from eqspec.ops.contract.op import Op
from eqspec.ops.find import CONTRACTS

PAGE = Path(__file__).parents[1] / "adding.md"

KINDS = (
    ("a method", "registry/methods/<name>.yaml", "", "streams, terms, recipe"),
    ("a rewrite", "registry/equivariance/<name>.yaml", "", "`cut`, `add`, `rewire`, `drop`"),
    ("a path or view step", "registry/transforms/<name>.yaml", "transforms", "its ranges"),
    ("an evaluation", "registry/evaluations/<name>.yaml", "evaluations", "its protocol"),
    ("a dataset", "registry/datasets/<name>.yaml", "datasets", "counts, mean, deviation"),
    ("an optimizer", "", "optimizers", ""),
    ("a schedule", "", "schedules", ""),
    ("a term", "", "terms", ""),
    ("a head", "", "heads", ""),
    ("a mask", "", "masks", ""),
    ("a relation of stored views", "registry/transforms/<name>.yaml", "relations", ""),
    ("a layout of published weights", "registry/layouts/<name>.yaml", "", "names and parts"),
)
"""What is added, its card, the family of its op, and what the card holds."""

DRILLS = (
    ("a method", "BYOL", "1 card"),
    ("a path", "zoom (`scale`)", "1 op, 1 card"),
    ("an evaluation", "4-way rotation probe, on images of its own", "1 op, 1 card"),
    ("a rewrite", "quarter turns of a small crop", "1 card"),
    ("an optimizer", "Lion", "1 op"),
    ("a dataset", "STL-10, with its unlabelled part", "1 op, 1 card"),
)
"""What was added in a scratch branch, and the files that it took."""


TEXT = """\
# Adding things

<!-- Written by `python -m docs.generate.adding`. -->

A card chooses numbers and wiring; an op is a mechanism. Beside `rev`, `Params` and a docstring, an
op has to declare the names below; what else its family may declare has a default. The contracts,
with signatures and defaults, are in `eqspec/ops/contract/` and on the site under *Op contracts*.

{kinds}

The contract tests find the files. They build the small instance that an op declares: `example`, or
`examples` with the types of its streams; a dataset writes a few images by `write_example`. New ids,
graphs and numbers are skipped until `pytest tests/golden --update-golden` records them; `make test`
fails before that. What is recorded also needs a small spec (a method, a rewrite), a formula in
plain numbers (a term) and a second implementation of its loss (a rewrite). `make test` checks
format, lint and types as well.

- A transform with a path sets `path = True`. A share t of it has the parameters t · θ, so its
  identity is 0: a zoom counts octaves. `eqspec/nn/pixels/warp.py` moves pixels; `reach` tells how
  far beyond its edge a view reads them.
- An evaluation is given a bench: `eqspec/evals/bench.py` says what it offers, from pooled features
  to images and token grids of its own. Its results state `heldout_images` and `heldout_sources`.
- A dataset's `open` returns images by number, with labels (`Dataset` in `eqspec/ops/tolerant.py`).
  Parts of it, such as one without labels, are `parts:` of its card
  ([your own data](how-to/own-data.md)).

Each of these was added in a scratch branch, where the tests of contracts, cards, graphs, rules and
golden files passed with no other file changed:

{drills}

An evaluation that trains declares `trains` and `fine_tune`: a head, a loss and an augmentation,
from which the compiler makes a run in the run's folder. One whose `trained_control` names a row
trains that control from the initial weights instead, as `r2` does. With masks, boxes or depths, the
op of the data declares `targets`, and that of the evaluation which of them it needs
(`eqspec/ops/targets/`); `tests/integration/test_dense_evaluation.py` adds segmentation with one op
and one card each.

An optimizer has no card: a method's recipe or a spec names it. The [grammar](grammar.md) explains
how cards are written; a [plugin](how-to/plugins.md) keeps an op in a package of its own.
"""


def page() -> str:
    """Return the page."""
    kinds = table(("to add", "op", "it declares", "card"), map(_kind, KINDS))
    drills = table(("to add", "drill of 27 November 2026", "files"), DRILLS)
    return TEXT.format(kinds="\n".join(kinds), drills="\n".join(drills))


def _kind(kind: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    name, card, family, holds = kind
    if not family:
        return name, "", "", f"{code(card)}: {holds}"
    shared = {member.name for member in members(Op)}
    own = (m for m in members(CONTRACTS[family]) if m.required and m.name not in shared)
    file = code(f"eqspec/ops/{family}/<name>.py")
    described = f"{code(card)}: {holds}" if holds else code(card) if card else ""
    return name, file, ", ".join(code(m.name) for m in own), described


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
