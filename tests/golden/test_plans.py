"""The compiler's result for every spec and toy, pinned: its ids, its graph and a hash of its plan.

Three plans are kept whole, so that a change can be read. Rows of a suite that are listed as one
group share the graph of the first; a row that another suite has too shares that one's.
`pytest tests/golden --update-golden` rewrites the files and adds what is new, which is skipped
until then; review their diff like code.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.graph.draft import reads
from eqspec.compile.types.graph import ApplyNode, Node
from eqspec.compile.types.plan import Plan
from eqspec.registry.places import specs_root
from eqspec.spec.dump import write_yaml
from tests.recorded import skip_unrecorded
from tests.toy_specs import CUTTABLE, PATH, REWRITES, SIE, SMALL, SUITED, toy_plan

HERE = Path(__file__).parent
IDS = HERE / "ids.json"

WHOLE = ("quickstart", "small/dinov2_se2", "paper/sie/3diebench")
"""Specs whose plan is kept whole: a path of drawn transforms, teacher and masks, stored pairs."""


def groups(path: Path) -> list[list[str]]:
    """Names of the specs that a suite's list holds, in order; blank lines part the groups."""
    found: list[list[str]] = []
    for block in path.read_text().split("\n\n"):
        names = (line.partition("#")[0].strip() for line in block.splitlines())
        found.append([name for name in names if name])
    return found


SPECS = {
    p.relative_to(specs_root()).with_suffix("").as_posix(): p
    for p in sorted(specs_root().rglob("*.yaml"))
}
SUITES = {
    path.parent.relative_to(specs_root()).as_posix(): groups(path)
    for path in sorted(specs_root().rglob("rows.txt"))
}
"""Folder of a suite → the names of its rows, by group."""

SHARED = {
    "paper/t7/k2": "paper/t1/all_rot",
    "paper/t6/ibot": "paper/t2/ibot",
    "paper/t6/ours_ibot": "paper/t2/ibot_se2",
    "paper/t6/dinov2": "paper/t2/dinov2",
    "paper/t6/ours_dinov2": "paper/t2/dinov2_se2",
}
"""Row → the row of another suite with the same recipe, which other evaluations may judge."""

COMPOSITIONS = {
    name: name.removesuffix("_se2")
    for name in SPECS
    if name.startswith("small/") and name.endswith("_se2")
}
"""Spec of a method that carries `intermediate-reconstruction` → spec of the method alone."""

TOYS = [(method, "none") for method in SMALL]
TOYS += [(method, PATH) for method in CUTTABLE] + [("vicreg_sie", SIE)]

REWRITTEN = ("vicreg_sie", "ibot")
"""Methods whose every rewrite is pinned: one with SIE's terms and a projector, one without."""


@cache
def plans() -> dict[str, Plan]:
    """Every plan that is pinned, by name."""
    found: dict[str, Plan] = {}
    for name, path in SPECS.items():
        planned = plan_spec(path)
        if name not in COMPOSITIONS:  # its variant is another spec, see below
            found |= {f"{name}-{variant}": plan for variant, plan in planned.variants.items()}
        found[name] = planned.plan
    names = {"none": "", PATH: "+path", SIE: "+sie"}
    for method, equivariance in TOYS:
        found[f"toy-{method}{names[equivariance]}"] = toy_plan(method, equivariance=equivariance)
    for name, rewrite in REWRITES.items():
        for method in REWRITTEN if name != "path" else ():
            if method in SUITED[name]:
                found.setdefault(f"toy-{method}+{name}", toy_plan(method, equivariance=rewrite))
    return found


def graph_text(plan: Plan) -> str:
    """The typed graph, a line per stream and term."""
    graph = plan.graph
    lines = [f"split {graph.split}, cut {', '.join(graph.cut)}"]
    for part, nodes in (("encode", graph.encode), ("loss", graph.loss)):
        for node in nodes:
            kind = graph.streams[node.out]
            lines.append(f"{part}  {node.out} {kind} = {verb(node)}({', '.join(reads(node))})")
    lines += [f"term  {t.name} × {t.weight} = {t.impl}({dict(t.ports)})" for t in graph.terms]
    lines += [f"teacher  {t.name} follows {', '.join(t.follows)}" for t in graph.teachers]
    return "\n".join(lines) + "\n"


def verb(node: Node) -> str:
    """What a node does: the module that it applies, or its kind."""
    if isinstance(node, ApplyNode):
        return f"{node.teacher}.{node.module}" if node.teacher else node.module
    return node.kind


def plan_text(plan: Plan) -> str:
    """A plan as YAML, without the resolved spec, which says it again, and without hashes of text.

    A comment in an op changes its hash and nothing else; origins name lines.
    """
    data = plan.model_dump(mode="json", exclude={"resolved", "origins"})
    for source in data["provenance"]:
        del source["sha256"]
    return write_yaml(data)


def has_own_graph(name: str) -> bool:
    """Whether the graph of a plan is pinned: not of a row that shares another one's."""
    folder, _, row = name.rpartition("/")
    first = next((group[0] for group in SUITES.get(folder, ()) if row in group), row)
    return name not in SHARED and first == row


def recorded_ids() -> dict[str, object]:
    """The ids of every plan that is recorded."""
    return json.loads(IDS.read_text(encoding="utf-8"))


def compare(file: Path, text: str, *, name: str, request: pytest.FixtureRequest) -> None:
    """Compare with the committed text, or rewrite it when asked to; skip a plan that is new."""
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text, encoding="utf-8")
    elif name not in recorded_ids():
        skip_unrecorded(name, request=request)
    assert file.read_text(encoding="utf-8") == text


def test_ids_stay_what_they_are(request: pytest.FixtureRequest) -> None:
    ids = {
        name: {
            "recipe": plan.recipe[:16],
            "evaluations": [e.id for e in plan.evaluations],
            "plan": sha256(plan_text(plan).encode()).hexdigest()[:16],
        }
        for name, plan in sorted(plans().items())
    }
    if request.config.getoption("--update-golden"):
        IDS.write_text(json.dumps(ids, indent=1) + "\n", encoding="utf-8")
    recorded = recorded_ids()
    assert {name: ids.get(name) for name in recorded} == recorded
    # A study repeats trainings of other specs, such as the quickstart's, with other evaluations.
    apart = ("paper/", "effect/")
    own = {name: plan for name, plan in plans().items() if not name.startswith(apart)}
    assert len({plan.recipe for plan in own.values()}) == len(own)


@pytest.mark.parametrize(("composition", "alone"), COMPOSITIONS.items())
def test_a_composition_is_compared_with_the_spec_of_its_method(
    composition: str, alone: str
) -> None:
    """What `compare:` calls its base is what the other file trains."""
    (base,) = plan_spec(SPECS[composition]).variants.values()
    assert base.recipe == plans()[alone].recipe
    assert [e.id for e in base.evaluations] == [e.id for e in plans()[alone].evaluations]


def test_the_rows_of_a_suite_are_different_recipes() -> None:
    """Two suites may share a row."""
    for folder, parts in SUITES.items():
        names = [name for group in parts for name in group]
        recipes = {plans()[f"{folder}/{name}"].recipe for name in names}
        assert len(recipes) == len(names), folder
    for one, other in SHARED.items():
        assert plans()[one].recipe == plans()[other].recipe, one


@pytest.mark.parametrize("name", sorted(filter(has_own_graph, plans())))
def test_graphs_stay_what_they_are(name: str, request: pytest.FixtureRequest) -> None:
    compare(HERE / "graphs" / f"{name}.txt", graph_text(plans()[name]), name=name, request=request)


@pytest.mark.parametrize("name", WHOLE)
def test_plans_stay_what_they_are(name: str, request: pytest.FixtureRequest) -> None:
    compare(HERE / "plans" / f"{name}.yaml", plan_text(plans()[name]), name=name, request=request)


def test_every_row_of_a_suite_is_a_spec_and_every_spec_of_its_folder_a_row() -> None:
    for folder, parts in SUITES.items():
        assert all(parts), f"{folder}: a group without rows"
        names = [name for group in parts for name in group]
        there = {name.rpartition("/")[2] for name in SPECS if name.rpartition("/")[0] == folder}
        assert set(names) == there, folder
        assert len(set(names)) == len(names), folder


def test_no_golden_file_is_left_of_what_is_gone() -> None:
    """Delete them by hand: a spec that goes takes its ids with it."""
    wanted = {f"graphs/{name}.txt" for name in filter(has_own_graph, recorded_ids())}
    wanted |= {f"plans/{name}.yaml" for name in WHOLE}
    kept = {p.relative_to(HERE).as_posix() for part in ("graphs", "plans") for p in files(part)}
    assert kept == wanted


def files(part: str) -> list[Path]:
    """Every file of a folder and below it."""
    return [path for path in (HERE / part).rglob("*") if path.is_file()]
