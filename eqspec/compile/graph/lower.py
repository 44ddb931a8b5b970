"""Card → draft: chains become single steps, repeats become copies, names find their ops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pydantic import JsonValue

from eqspec.compile.graph.draft import Draft, InputDraft, ModuleDraft, TermDraft
from eqspec.compile.graph.lower_terms import lower_term
from eqspec.compile.lookup.op_calls import MODULE_FAMILIES
from eqspec.compile.lookup.ops import checked_number, checked_params, op_in_use
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import (
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
from eqspec.ops.find import UnknownOp, family_of, find_backbone, find_module
from eqspec.registry.cards import BackboneCard, MethodCard
from eqspec.registry.grammar import (
    Addition,
    Apply,
    Concat,
    Detach,
    Gather,
    ModuleDecl,
    Pool,
    Select,
    Stack,
    Step,
    TeacherDecl,
    View,
)
from eqspec.spec.node import KeyPath
from eqspec.spec.numbers import Momentum


@dataclass(frozen=True, slots=True)
class AddedDraft:
    """Modules, nodes and terms that a rewrite adds to a graph."""

    modules: Mapping[str, ModuleDraft]
    nodes: tuple[Node, ...]
    terms: Mapping[str, TermDraft]


def lower_method(method: MethodCard, *, backbone: BackboneCard) -> Draft:
    """The draft of a method's own graph.

    Raises:
        GraphError: when a module, teacher or port is named that does not exist.
    """
    for section in ("modules", "teachers", "inputs", "flow", "terms"):
        _plain_names(section, getattr(method, section))
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
) -> AddedDraft:
    """Lower the additions of a rewrite against the graph that they join."""
    for section in ("modules", "flow", "terms"):
        _plain_names(section, getattr(add, section))
    repeats = {"images": images}
    added = {
        _numbered(name, number): decl
        for name, decl in add.modules.items()
        for number in _numbers(
            name, repeated=decl.repeat is not None, repeats=repeats, path=("modules", name)
        )
    }
    modules = lower_modules(added, backbone=backbone, known=draft.modules)
    known = {**draft.modules, **modules}
    nodes = lower_flow(add.flow, modules=known, teachers=draft.teachers, repeats=repeats)
    terms = {
        name: lower_term(decl, path=("add", "terms", name), settings=settings)
        for name, decl in add.terms.items()
    }
    return AddedDraft(modules=modules, nodes=nodes, terms=terms)


def lower_modules(
    decls: Mapping[str, ModuleDecl], *, backbone: BackboneCard, known: Mapping[str, ModuleDraft]
) -> dict[str, ModuleDraft]:
    """Modules by name, each with the op that makes it."""
    drafts: dict[str, ModuleDraft] = {}
    for name, decl in decls.items():
        if decl.backbone is not None:
            op_in_use(find_backbone, backbone.impl, path=(), card="backbone")
            params = {**backbone.params, **decl.params}
            draft = ModuleDraft("backbones", backbone.impl, params, frozen=decl.frozen)
        elif decl.impl is not None:
            family = _module_family(decl.impl, path=("modules", name, "impl"))
            draft = ModuleDraft(family, decl.impl, decl.params, frozen=decl.frozen)
        else:
            like = {**known, **drafts}.get(str(decl.like))
            if like is None:
                raise GraphError(("modules", name, "like"), f"`{decl.like}` is no module before it")
            params = {**like.params, **decl.params}
            draft = ModuleDraft(like.family, like.impl, params, frozen=decl.frozen)
        op = op_in_use(partial(find_module, draft.family), draft.impl, path=("modules", name))
        checked_params(op.Params, draft.params, path=("modules", name))
        drafts[name] = draft
    return drafts


def _module_family(impl: str, *, path: KeyPath) -> Literal["heads", "decoders"]:
    try:
        family = family_of(impl, among=MODULE_FAMILIES)
    except UnknownOp as error:
        raise GraphError(path, error.message, help=error.help) from None
    return "heads" if family == "heads" else "decoders"


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
        for number in _numbers(name, repeated=repeated, repeats=repeats, path=("flow", name)):
            out = _numbered(name, number)
            nodes += _nodes(out, step, number, modules=modules, teachers=teachers, repeats=repeats)
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
            numbers = _numbers(step.stack, repeated=True, repeats=repeats, path=("flow", out))
            return [StackNode(out=out, of=tuple(_numbered(step.stack, n) for n in numbers))]
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
        made = ApplyNode(out=step_out, module=module, teacher=teacher or None, ports=ports)
        nodes.append(made.model_copy(update={"blocks": step.blocks}) if at == 0 else made)
    return nodes


def _teacher(name: str, decl: TeacherDecl, *, modules: Mapping[str, ModuleDraft]) -> TeacherPlan:
    path = ("teachers", name)
    for followed in decl.follows:
        if followed not in modules:
            message = f"`{followed}` is no module"
            raise GraphError((*path, "follows"), message, help=_listed(modules))
    for excluded in decl.excludes:
        _check_excluded(excluded, modules=modules, path=(*path, "except"))
    return TeacherPlan(
        name=name,
        follows=tuple(decl.follows),
        excludes=tuple(decl.excludes),
        momentum=checked_number(decl.momentum, legal=Momentum, path=(*path, "momentum")),
        update=decl.update,
        buffers=decl.buffers,
    )


def _check_excluded(name: str, *, modules: Mapping[str, ModuleDraft], path: KeyPath) -> None:
    """A copy can do without a parameter that its op has a switch for, such as a mask token."""
    module, _, parameter = name.partition(".")
    draft = modules.get(module)
    op = (
        None
        if draft is None
        else op_in_use(partial(find_module, draft.family), draft.impl, path=("modules", module))
    )
    if op is None or parameter not in op.Params.model_fields:
        raise GraphError(
            path, f"a copy cannot do without `{name}`", help="as in `encoder.mask_token`"
        )


def _plain_names(section: str, declared: Mapping[str, object]) -> None:
    """Dots are the compiler's own: ``teacher.encoder``, ``mask.ids``, ``zs.trunk``."""
    for name in declared:
        if "." in name:
            raise GraphError((section, name), f"`{name}` holds a dot, which names cannot")


def _numbers(
    name: str, *, repeated: bool, repeats: Mapping[str, int], path: KeyPath
) -> list[str | None]:
    """Indices of the copies of a name; None for a name without copies."""
    if not repeated:
        return [None]
    if not repeats:
        raise GraphError(path, "only a rewrite can repeat something")
    if not name.endswith("_k"):
        raise GraphError(path, f"`{name}` is repeated, so its name must end with `_k`")
    return [str(k + 1) for k in range(repeats["images"])]


def _numbered(name: str, number: str | None) -> str:
    """``image_k`` repeated twice is ``image_1``, ``image_2``."""
    if number is None or not name.endswith("_k"):
        return name
    return f"{name.removesuffix('_k')}_{number}"


def _listed(names: Mapping[str, object]) -> str:
    return "there are: " + ", ".join(names)
