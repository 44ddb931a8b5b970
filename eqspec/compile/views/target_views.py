"""The rule that targets which the graph reads can follow the augmentation of their images."""

from __future__ import annotations

import numpy as np

from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import GraphPlan
from eqspec.compile.types.plan import GLOBAL
from eqspec.compile.types.view_plan import ViewPlan
from eqspec.ops.find import find_dataset, find_transform
from eqspec.ops.targets.kinds import LABELS


def check_targets_follow(views: ViewPlan, graph: GraphPlan, *, dataset: str) -> None:
    """Refuse transforms of the first global view that move pixels, but not targets.

    Args:
        dataset: name of the dataset's op.

    Raises:
        GraphError: for the first such step.
    """
    streams = {name for of in find_dataset(dataset).targets for name in of.streams(size=1)}
    read = sorted((streams - {LABELS}) & set(graph.streams))
    view = next((v for v in views.views if v.group == GLOBAL), None)
    if not read or view is None:
        return
    for at, step in enumerate(view.steps):
        op = find_transform(step.impl)
        params = op.Params.model_validate(step.params)
        theta = np.array([op.identity], np.float64)
        if op.kind == "geometry" and op.homographies(params, theta, size=view.size) is None:
            raise GraphError(
                ("groups", GLOBAL, "views", 0, "steps", at),
                f"`{step.impl}` moves the pixels of images, but not `{read[0]}`, which is read",
                help="leave the step out, or declare `homographies` in the transform's op",
                card="augment",
            )
