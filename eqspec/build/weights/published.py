"""Published weights in place of an encoder's fresh ones, with every name accounted for.

A card (registry/layouts/), applied by `eqspec.compile.weights.layouts`, describes how a file names
its tensors; the names of an encoder are timm's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from eqspec.build.graph.training_graph import TrainGraph, build_module
from eqspec.build.weights.digest import check_digest
from eqspec.build.weights.files import read_tensors
from eqspec.build.weights.initial import Fit, at_least_half, fit, need_numbers, same_kind
from eqspec.build.weights.paths import is_there
from eqspec.compile.types.graph import ModulePlan
from eqspec.compile.types.initial_weights import LayoutPlan, PublishedPlan
from eqspec.compile.types.plan import Plan
from eqspec.compile.weights.layouts import encoder_names, set_aside
from eqspec.errors import UsageError
from eqspec.nn.world import World
from eqspec.ops.find import find_module
from eqspec.ops.weights import Disagreement
from eqspec.spec.initial_weights import HUB

PLACES_APART = 1e-2
"""Fixed positions of two makers differ by less (half precision), those of two orders by up to 2."""


@dataclass(frozen=True, slots=True)
class PublishedFit:
    """Match between a file of published weights and an encoder.

    Attributes:
        layout: of the file, and the part of it in use.
        fit: of the part's tensors to the encoder's; those taken include resampled ones.
        aside: kind of a tensor outside the encoder → names in the file.
        resampled: names of positions, with shapes in the file and here.
        disagreements: parameters with another value in the file.
    """

    layout: LayoutPlan
    fit: Fit
    aside: Mapping[str, tuple[str, ...]]
    resampled: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    disagreements: tuple[Disagreement, ...]

    @property
    def whole(self) -> bool:
        """Whether every tensor of the encoder and of the file has its counterpart."""
        return self.fit.whole and not self.disagreements


@runtime_checkable
class _Positioned(Protocol):
    """An encoder whose positions can be resampled; see `eqspec.nn.encoders.vit`."""

    def fitted(self, name: str, found: Tensor) -> Tensor | None: ...

    def misplaced(self, found: Tensor) -> float: ...


def fit_published(plan: Plan) -> PublishedFit | None:
    """Return how a plan's published weights fit its encoder; None without any.

    Raises:
        UsageError: they are missing, or do not fit, and a partial fit is not allowed.
    """
    if plan.published is None:
        return None
    with torch.device("meta"):
        encoder = build_module(_backbone(plan), world=World())
    return _fit(encoder, plan, read_tensors(_here(plan.published)))


def load_published(graph: TrainGraph, plan: Plan) -> None:
    """Load a plan's published weights into the encoder, and into the copies of teachers.

    Raises:
        UsageError: they are gone, have changed or do not fit.
    """
    published, name = plan.published, _backbone(plan).name
    assert published is not None, "asked of a plan that has some"
    path = _here(published)
    check_digest(path, sha256=published.sha256)
    tensors = read_tensors(path)
    encoder = graph.students[name]
    found = _fit(encoder, plan, tensors)
    copies = (graph.copies(t.name)[name] for t in plan.graph.teachers if name in t.follows)
    with torch.no_grad():
        for module in (encoder, *copies):
            own_tensors = module.state_dict()
            for own, source in found.fit.taken.items():
                if own in own_tensors:
                    own_tensors[own].copy_(_fitted(module, own, at_least_half(tensors[source])))


def _backbone(plan: Plan) -> ModulePlan:
    return next(m for m in plan.graph.modules if m.family == "backbones")


def _here(published: PublishedPlan) -> Path:
    path = None if published.file is None else Path(published.file)
    if path is not None and is_there(path):
        return path
    hub = published.weights.startswith(HUB)
    raise UsageError(
        f"the published weights are not here: `{published.weights}`",
        help="`eqspec run SPEC` fetches them where it reaches the hub"
        if hub
        else "put the file there, or name another with `backbone.init`, and plan again",
    )


def _fit(encoder: nn.Module, plan: Plan, tensors: Mapping[str, Tensor]) -> PublishedFit:
    published = plan.published
    assert published is not None, "the plan has published weights"
    assert published.layout is not None, "the layout of an existing file is known"
    names = encoder_names(tensors, published.layout)
    mine = {own: tensors[name] for own, name in names.encoder.items()}
    expected = {own: tuple(t.shape) for own, t in encoder.state_dict().items()}
    bare = {own: torch.empty(t.shape, device="meta") for own, t in mine.items() if own in expected}
    fitted = {own: _fitted(encoder, own, t) for own, t in bare.items()}
    shapes = {own: tuple(tensor.shape) for own, tensor in mine.items()}
    matched = fit(expected, shapes | {own: tuple(tensor.shape) for own, tensor in fitted.items()})
    left = (*names.others, *(names.encoder[own] for own in matched.unexpected))
    known = {name: set_aside(name, published.layout) for name in left}
    aside: dict[str, tuple[str, ...]] = {}
    for name, what in known.items():
        if what is not None:
            aside[what] = (*aside.get(what, ()), name)
    wanted = encoder.state_dict()
    odd = tuple(own for own in matched.taken if not same_kind(wanted[own], mine[own]))
    found = PublishedFit(
        layout=published.layout,
        fit=Fit(
            taken={own: names.encoder[own] for own in matched.taken if own not in odd},
            missing=matched.missing,
            unexpected=tuple(sorted(name for name, what in known.items() if what is None)),
            misshapen=matched.misshapen,
            mistyped=odd,
        ),
        aside=aside,
        resampled={o: (shapes[o], expected[o]) for o in matched.taken if shapes[o] != expected[o]},
        disagreements=tuple(_disagreements(encoder, _backbone(plan), mine)),
    )
    _check(found, plan)
    subject = f"the published weights `{published.weights}`"
    need_numbers(found.fit.taken, tensors, subject=subject)
    return found


def _fitted(encoder: nn.Module, own: str, found: Tensor) -> Tensor:
    """Return a tensor of the file in the encoder's shape, if it can be resampled to it."""
    alike = found.shape == encoder.state_dict()[own].shape
    if alike or not isinstance(encoder, _Positioned):
        return found
    resampled = encoder.fitted(own, found)
    return found if resampled is None else resampled


def _disagreements(
    encoder: nn.Module, plan: ModulePlan, mine: Mapping[str, Tensor]
) -> Iterator[Disagreement]:
    op = find_module(plan.family, plan.impl)
    shapes = {own: tuple(tensor.shape) for own, tensor in mine.items()}
    yield from op.disagreements(op.Params.model_validate(plan.params), shapes)
    codes = mine.get("pos_embed")
    if codes is None or not isinstance(encoder, _Positioned) or codes.is_complex():
        return
    if encoder.misplaced(codes) > PLACES_APART:
        yield Disagreement("positions", plan.params["positions"], "other than these codes")


def _check(found: PublishedFit, plan: Plan) -> None:
    published = plan.published
    assert published is not None, "asked of a plan that has some"
    if found.whole or (published.partial and found.fit.taken):
        return
    refused = partial(UsageError, help=_advice(found))
    where = f"`{published.weights}` (layout `{found.layout.name}`, part `{found.layout.part}`)"
    if found.disagreements:
        listed = "\n".join(f"  {one}" for one in found.disagreements)
        raise refused(f"{where} are weights of another encoder:\n{listed}")
    raise refused(f"{where} does not fit: {found.fit}")


def _advice(found: PublishedFit) -> str:
    if found.disagreements:
        return "name the backbone card that fits: `eqspec list backbones`"
    if not found.fit.taken:
        return "name weights of this backbone"
    return "take what fits: `init: {weights: …, partial: true}`"
