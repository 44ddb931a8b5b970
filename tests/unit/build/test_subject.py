"""What evaluations see of a cut embedding, be it a module's output or the encoder's own."""

from __future__ import annotations

import pytest
import torch

from eqspec.build.frozen_model import frozen
from eqspec.evals.features import Subject, encode
from tests.programs import program_of
from tests.toy_specs import PATH, SIE, toy_plan


@pytest.mark.parametrize(
    ("method", "equivariance"),
    [
        ("vicreg_sie", SIE),
        ("vicreg_pooled", SIE),
        ("vicreg_pooled", PATH),
        ("mocov3", PATH),
    ],
)
def test_both_parts_are_those_that_the_training_reads(method: str, equivariance: str) -> None:
    program = program_of(toy_plan(method, equivariance=equivariance))
    graph = program.graph
    seen = frozen(graph)
    assert seen.embedding is not None
    streams = program.streams(next(program.batches(0, 1)))
    with torch.no_grad():
        images = streams["global"].flatten(0, 1)
        tokens = seen.encoder(images)
        if graph.plan.embedding == "encoder":
            assert torch.equal(seen.embedding(tokens), tokens)
        else:
            module = graph.students[graph.plan.embedding]
            torch.testing.assert_close(seen.embedding(tokens), module(x=tokens))


def test_rows_of_a_cut_encoder_are_its_halves() -> None:
    graph = program_of(toy_plan("vicreg_pooled", equivariance=SIE)).graph
    seen, mean, std = frozen(graph), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)
    subject = Subject(
        encoder=seen.encoder,
        prefix=seen.prefix,
        size=32,
        mean=mean,
        std=std,
        embedding=seen.embedding,
        split=graph.plan.split,
    )
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    rows = encode(subject, images, rows=subject.rows)
    halves = torch.cat([rows["z_inv"], rows["z_equi"]], dim=1)
    torch.testing.assert_close(halves, rows["encoder"][:, -32:])
