"""What the compiler makes of every spec and toy, pinned: ids, graphs, and a spec's whole plan.

`pytest tests/golden --update-golden` writes the files anew; their diff is reviewed like code.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.draft import reads
from eqspec.compile.graph_plan import ApplyNode, Node
from eqspec.compile.plan import Plan
from eqspec.registry.places import specs_root
from eqspec.spec.dump import write_yaml
from tests.toys import CUTTABLE, PATH, SIE, SMALL, toy_plan

HERE = Path(__file__).parent
SPECS = {p.stem: p for p in sorted(specs_root().rglob("*.yaml"))}
TOYS = [(method, "none") for method in SMALL]
TOYS += [(method, PATH) for method in CUTTABLE] + [("vicreg_sie", SIE)]


@cache
def plans() -> dict[str, Plan]:
    """Every plan that is pinned, by name."""
    found: dict[str, Plan] = {}
    for path in SPECS.values():
        found |= {plan.name: plan for plan in plan_spec(path).in_order}
    names = {"none": "", PATH: "+path", SIE: "+sie"}
    for method, equivariance in TOYS:
        found[f"toy-{method}{names[equivariance]}"] = toy_plan(method, equivariance=equivariance)
    return found


def graph_text(plan: Plan) -> str:
    """The typed graph, a line per stream and term."""
    graph = plan.graph
    lines = [f"split {graph.split}, cut {', '.join(graph.cut)}"]
    for part, nodes in (("encode", graph.encode), ("judge", graph.judge)):
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


def compared(file: Path, text: str, *, update: bool) -> None:
    """Equal to the committed text; or, when asked to, written anew."""
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_ids_stay_what_they_are(request: pytest.FixtureRequest) -> None:
    ids = {
        name: {"recipe": plan.recipe[:16], "evaluations": [e.id for e in plan.evaluations]}
        for name, plan in sorted(plans().items())
    }
    update = bool(request.config.getoption("--update-golden"))
    compared(HERE / "ids.json", json.dumps(ids, indent=1) + "\n", update=update)
    assert len({entry["recipe"] for entry in ids.values()}) == len(ids)


@pytest.mark.parametrize("name", sorted(plans()))
def test_graphs_stay_what_they_are(name: str, request: pytest.FixtureRequest) -> None:
    update = bool(request.config.getoption("--update-golden"))
    compared(HERE / "graphs" / f"{name}.txt", graph_text(plans()[name]), update=update)


def plan_text(plan: Plan) -> str:
    """A plan as YAML, without the resolved spec, which says it again, and without hashes of text.

    A comment in an op changes its hash and nothing else; origins name lines.
    """
    data = plan.model_dump(mode="json", exclude={"resolved", "origins"})
    for source in data["made_from"]:
        del source["sha256"]
    return write_yaml(data)


@pytest.mark.parametrize("name", sorted(n for n in plans() if not n.startswith("toy-")))
def test_plans_stay_what_they_are(name: str, request: pytest.FixtureRequest) -> None:
    update = bool(request.config.getoption("--update-golden"))
    compared(HERE / "plans" / f"{name}.yaml", plan_text(plans()[name]), update=update)


def test_no_golden_file_is_left_of_what_is_gone() -> None:
    """Delete them by hand: a spec that goes takes its ids with it."""
    kept = {path.stem for path in (*HERE.glob("graphs/*.txt"), *HERE.glob("plans/*.yaml"))}
    assert kept <= set(plans())
