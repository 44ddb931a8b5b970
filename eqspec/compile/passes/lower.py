"""Card → draft: chains become single steps, repeats become copies, names find their ops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from eqspec.compile.draft import Draft, GraphError, InputDraft, ModuleDraft, TermDraft
from eqspec.compile.graph_plan import (
    ApplyNode,
    ConcatNode,
    DetachNode,
    GatherNode,
    Node,
    PoolNode,
    SelectNode,
    StackNode,
    TeacherPlan,
    ViewNode,
)
from eqspec.ops.find import family_of
from eqspec.registry.cards import BackboneCard, MethodCard
from eqspec.registry.grammar import (
    Addition,
    Apply,
    Concat,
    Detach,
    Gather,
    ModuleDecl,
    Number,
    Pool,
    Select,
    Stack,
    Step,
    TeacherDecl,
    TermDecl,
    View,
)
from eqspec.spec.use import OpCall

MODULE_FAMILIES: tuple[Literal["heads", "decoders"], ...] = ("heads", "decoders")


def lower_method(method: MethodCard, *, backbone: BackboneCard) -> Draft:
    """The draft of a method's own graph.

    Raises:
        GraphError: when a module, teacher or port is named that does not exist.
    """
    modules = lower_modules(method.modules, backbone=backbone, known={})
    teachers = tuple(
        _teacher(name, decl, modules=modules) for name, decl in method.teachers.items()
    )
    nodes = lower_flow(method.flow, modules=modules, teachers=teachers, repeats={})
    return Draft(
        modules=modules,
        teachers=teachers,
        inputs={
            name: InputDraft(impl=decl.impl, params=decl.params, of=decl.of)
            for name, decl in method.inputs.items()
        },
        nodes=nodes,
        terms={
            name: lower_term(decl, path=("terms", name), settings={})
            for name, decl in method.terms.items()
        },
    )


def lower_addition(
    add: Addition,
    *,
    draft: Draft,
    backbone: BackboneCard,
    settings: Mapping[str, JsonValue],
    images: int,
) -> tuple[Mapping[str, ModuleDraft], tuple[Node, ...], Mapping[str, TermDraft]]:
    """What a rewrite adds, lowered against the graph it is added to."""
    repeats = {"images": images}
    added: dict[str, ModuleDecl] = {}
    for name, decl in add.modules.items():
        for copy in _copies(name, repeated=decl.repeat is not None, repeats=repeats):
            added[copy] = decl
    modules = lower_modules(added, backbone=backbone, known=draft.modules)
    known = {**draft.modules, **modules}
    nodes = lower_flow(add.flow, modules=known, teachers=draft.teachers, repeats=repeats)
    terms = {
        name: lower_term(decl, path=("add", "terms", name), settings=settings)
        for name, decl in add.terms.items()
    }
    return modules, nodes, terms


def lower_modules(
    decls: Mapping[str, ModuleDecl], *, backbone: BackboneCard, known: Mapping[str, ModuleDraft]
) -> dict[str, ModuleDraft]:
    """Modules by name, each with the op that makes it."""
    drafts: dict[str, ModuleDraft] = {}
    for name, decl in decls.items():
        if decl.backbone is not None:
            params = {**backbone.params, **decl.params}
            drafts[name] = ModuleDraft(family="backbones", impl=backbone.impl, params=params)
        elif decl.impl is not None:
            family = family_of(decl.impl, among=MODULE_FAMILIES)
            assert family in MODULE_FAMILIES, "one of those asked for"
            drafts[name] = ModuleDraft(family=family, impl=decl.impl, params=decl.params)
        else:
            like = {**known, **drafts}.get(str(decl.like))
            if like is None:
                raise GraphError(("modules", name), f"`like: {decl.like}` names no module")
            drafts[name] = ModuleDraft(
                family=like.family, impl=like.impl, params={**like.params, **decl.params}
            )
    return drafts


def lower_flow(
    flow: Mapping[str, Step],
    *,
    modules: Mapping[str, ModuleDraft],
    teachers: tuple[TeacherPlan, ...],
    repeats: Mapping[str, int],
) -> tuple[Node, ...]:
    """Flow statements as nodes, one application each."""
    nodes: list[Node] = []
    for name, step in flow.items():
        repeated = isinstance(step, Apply) and step.repeat is not None
        for copy in _copies(name, repeated=repeated, repeats=repeats):
            number = copy.removeprefix(name.removesuffix("k")) if repeated else None
            nodes.extend(
                _nodes(copy, step, number, modules=modules, teachers=teachers, repeats=repeats)
            )
    return tuple(nodes)


def _nodes(  # noqa: C901, PLR0911 - one arm per kind of step
    out: str,
    step: Step,
    number: str | None,
    *,
    modules: Mapping[str, ModuleDraft],
    teachers: tuple[TeacherPlan, ...],
    repeats: Mapping[str, int],
) -> list[Node]:
    match step:
        case Apply():
            return _apply_chain(out, step, number, modules=modules, teachers=teachers)
        case Pool():
            return [PoolNode(out=out, of=step.of)]
        case Select():
            return [SelectNode(out=out, of=step.of, part=step.select)]
        case Gather():
            return [GatherNode(out=out, of=step.of, ids=step.gather)]
        case View():
            return [ViewNode(out=out, of=step.of, index=step.view)]
        case Concat():
            return [ConcatNode(out=out, of=tuple(step.concat))]
        case Stack():
            return [
                StackNode(out=out, of=tuple(_copies(step.stack, repeated=True, repeats=repeats)))
            ]
        case Detach():
            return [DetachNode(out=out, of=step.detach)]


def _apply_chain(
    out: str,
    step: Apply,
    number: str | None,
    *,
    modules: Mapping[str, ModuleDraft],
    teachers: tuple[TeacherPlan, ...],
) -> list[Node]:
    """One node per module of the chain; the later ones read the one before through port x."""
    chain = [step.apply] if isinstance(step.apply, str) else step.apply
    numbered = {p: _numbered(s, number) for p, s in step.to.items()}
    nodes: list[Node] = []
    for at, written in enumerate(chain):
        name = _numbered(written, number)
        teacher, _, module = name.rpartition(".")
        if module not in modules:
            raise GraphError(("flow", out), f"`{name}` is no module", help=_listed(modules))
        if teacher:
            follows = next((t.follows for t in teachers if t.name == teacher), None)
            if follows is None or module not in follows:
                raise GraphError(("flow", out), f"no teacher `{teacher}` follows `{module}`")
        is_last = at == len(chain) - 1
        step_out = out if is_last else f"{out}.{module}"
        ports = numbered if at == 0 else {"x": nodes[-1].out}
        nodes.append(ApplyNode(out=step_out, module=module, teacher=teacher or None, ports=ports))
    return nodes


def lower_term(
    decl: TermDecl, *, path: tuple[str | int, ...], settings: Mapping[str, JsonValue]
) -> TermDraft:
    """A term with the rewrite's settings filled in."""
    return TermDraft(
        impl=decl.impl,
        params={
            name: _setting(value, path=path, settings=settings)
            for name, value in decl.params.items()
        },
        ports={p: s if isinstance(s, str) else tuple(s) for p, s in decl.ports.items()},
        weight=_weight(decl.weight, path=path, settings=settings),
    )


def _weight(
    value: Number | str, *, path: tuple[str | int, ...], settings: Mapping[str, JsonValue]
) -> float | OpCall:
    if isinstance(value, OpCall):
        return value
    if isinstance(value, str):
        number = _setting({"setting": value}, path=path, settings=settings)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise GraphError(path, f"the weight `{value}` is {number}, which is no number")
        return float(number)
    return float(value)


def _setting(
    value: JsonValue, *, path: tuple[str | int, ...], settings: Mapping[str, JsonValue]
) -> JsonValue:
    """`{setting: name}` becomes the setting's value; anything else stays."""
    if not (isinstance(value, dict) and set(value) == {"setting"}):
        return value
    name = value["setting"]
    if not isinstance(name, str) or name not in settings:
        raise GraphError(path, f"`{name}` is no setting of this rewrite", help=_listed(settings))
    return settings[name]


def _teacher(name: str, decl: TeacherDecl, *, modules: Mapping[str, ModuleDraft]) -> TeacherPlan:
    for followed in decl.follows:
        if followed not in modules:
            raise GraphError(
                ("teachers", name), f"`{followed}` is no module", help=_listed(modules)
            )
    return TeacherPlan(
        name=name,
        follows=tuple(decl.follows),
        excludes=tuple(decl.excludes),
        momentum=decl.momentum,
        update=decl.update,
        buffers=decl.buffers,
    )


def _copies(name: str, *, repeated: bool, repeats: Mapping[str, int]) -> list[str]:
    """``image_k`` repeated twice is ``image_1``, ``image_2``."""
    if not repeated:
        return [name]
    return [_numbered(name, str(k + 1)) for k in range(repeats["images"])]


def _numbered(name: str, number: str | None) -> str:
    return (
        name.removesuffix("_k") + f"_{number}"
        if number is not None and name.endswith("_k")
        else name
    )


def _listed(names: Mapping[str, object]) -> str:
    return "there are: " + ", ".join(names)
