"""Groups of samples within a batch, and whether statistics over it survive micro-batches.

The encoders may take the batch in micro-batches, which is exact for what works sample by sample.
A batch norm in an encoder does not, unless its groups of samples fit into a micro-batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ApplyNode, GraphPlan, ModulePlan
from eqspec.compile.types.view_plan import ViewPlan
from eqspec.ops.find import find_module
from eqspec.spec.node import KeyPath
from eqspec.spec.phrases import counted

GROUPS = ("group", "drop_path_group")
"""Parameters of ops that count consecutive samples of the batch."""


def check_groups(graph: GraphPlan, views: ViewPlan, *, batch: int) -> None:
    """Refuses batch statistics and shared draws of groups of samples that do not divide the batch.

    Raises:
        GraphError: naming the module, term or input, or the view group.
    """
    for view in views.views:
        if view.shared is not None and batch % view.shared.samples:
            raise GraphError(
                ("shared", view.group, "samples"),
                f"a batch of {counted(batch, 'sample')} is no multiple of the "
                f"{view.shared.samples} that share draws",
                help="choose another batch, or set "
                f"`with: {{shared.{view.group}.samples: …}}` of the rewrite",
                card="equivariance",
            )
    for path, group in _groups(graph):
        if batch % group:
            raise GraphError(
                path,
                f"a batch of {counted(batch, 'sample')} is no multiple of the group of {group}",
                help="batch statistics are taken over groups of equal size",
            )
    _check_terms_of_shared_draws(graph, views)


def _check_terms_of_shared_draws(graph: GraphPlan, views: ViewPlan) -> None:
    """Refuses an added term over groups of samples that do not all share their draws."""
    shared = {v.group: v.shared.samples for v in views.views if v.shared is not None}
    for term in graph.terms:
        group = term.params.get("group")
        if term.name not in graph.added or not isinstance(group, int):
            continue
        for name, samples in shared.items():
            if samples % group:
                raise GraphError(
                    ("add", "terms", term.name, "params", "group"),
                    f"`{term.name}` compares groups of {group} samples, but the draws of `{name}` "
                    f"are shared by {samples}",
                    help=f"set `with: {{{term.name}.group: {samples}}}` of the rewrite, or "
                    f"`shared.{name}.samples: {group}`",
                    card="equivariance",
                )


def smallest_batch(graph: GraphPlan) -> int:
    """The fewest samples that every group of the graph divides; 1 without groups."""
    return math.lcm(*(group for _, group in _groups(graph)))


def _groups(graph: GraphPlan) -> Iterator[tuple[KeyPath, int]]:
    parts_of = {"modules": graph.modules, "terms": graph.terms, "inputs": graph.inputs}
    for section, parts in parts_of.items():
        for part in parts:
            for key in GROUPS:
                group = part.params.get(key)
                if isinstance(group, int):
                    yield (section, part.name, "params", key), group


def inexact_pieces(graph: GraphPlan, *, piece: int) -> str | None:
    """Why the encoders cannot take so many samples at a time; None when they can.

    Args:
        piece: samples of a micro-batch on one rank.
    """
    encoders = {node.module for node in graph.encode if isinstance(node, ApplyNode)}
    for module in graph.modules:
        if module.name not in encoders or not _spans_batch(module):
            continue
        group = _group(module)
        if group is None or piece % group:
            over = "the whole batch" if group is None else f"groups of {counted(group, 'sample')}"
            return f"`{module.name}` normalises over {over}, so {piece} at a time is not exact"
    return None


def _spans_batch(module: ModulePlan) -> bool:
    """Whether a sample's output depends on the other samples."""
    return find_module(module.family, module.impl).per_view


def _group(module: ModulePlan) -> int | None:
    group = module.params.get("group")
    return group if isinstance(group, int) else None
