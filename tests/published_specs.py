"""Specs that evaluate generated weights without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eqspec.build.program import initial_graph
from eqspec.build.weights.published import PublishedFit, fit_published
from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.types.plan import Plan
from tests.published_files import SIDE
from tests.reference.waves import wave

CPU = torch.device("cpu")


def spec_text(
    weights: Path | str, params: Any, *, impl: str = "vit", image: int = SIDE, more: str = ""
) -> str:
    written = "{" + ", ".join(f"{k}: {str(v).lower()}" for k, v in dict(params).items()) + "}"
    init = f'{{weights: "{weights}"{more}}}'
    return f"""\
schema: 1
data: {{use: photos}}
image: {image}
backbone:
  {{card: backbone, rev: 1, about: A toy encoder., impl: {impl}, params: {written}, init: {init}}}
evaluate: [{{use: effective-rank, at: end}}]
"""


def planned(folder: Path, weights: Path | str, params: Any, **options: Any) -> Plan:
    spec = folder / "judged.yaml"
    spec.write_text(spec_text(weights, params, **options))
    return plan_spec(spec).plan


def fitted(plan: Plan) -> PublishedFit:
    found = fit_published(plan)
    assert found is not None
    return found


def pictures(side: int = SIDE) -> Tensor:
    return wave(2 * 3 * side, side, 0.1).reshape(2, 3, side, side).float()


def tokens(plan: Plan) -> Tensor:
    graph = initial_graph(plan, device=CPU).eval()
    with torch.no_grad():
        return graph.encoder()(images=pictures(plan.image))
