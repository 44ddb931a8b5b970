from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.ablate.grid import Grid, read_grid
from eqspec.commands.ablate.study import compile_grid
from eqspec.commands.ablate.variants import with_variants
from eqspec.errors import SpecError
from tests.toy_specs import PATH, toy_text

COMPARE = "compare: {base: {equivariance: none}, wide: {method.with.embed.width: 64, seed: 3}}"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(toy_text("vicreg", equivariance=PATH, extra=COMPARE))
    return path


def _names(grid: Grid) -> list[str]:
    return [str(point) for point in grid.points]


def test_without_values_it_is_every_variant_and_the_spec_itself(spec: Path) -> None:
    grid = with_variants(read_grid(["variant"]), spec)
    assert _names(grid) == ["variant=base", "variant=wide", "variant=toy"]
    sets = [point.settings[0].overrides for point in grid.points]
    assert sets == [("equivariance=none",), ("method.with.embed.width=64", "seed=3"), ()]


def test_variants_cross_with_other_axes(spec: Path) -> None:
    grid = with_variants(read_grid(["variant=base,toy", "batch=4,8"]), spec)
    assert _names(grid)[:2] == ["variant=base batch=4", "variant=base batch=8"]


def test_each_point_is_what_the_variant_makes(spec: Path) -> None:
    study = compile_grid(spec, read_grid(["variant"]), runs=Path("runs"))
    base, wide, own = (run.plan for run in study.runs)
    assert (base.graph.split, wide.graph.split, own.graph.split) == (None, (32, 32), (16, 16))
    assert (base.name, wide.name, own.name) == ("toy-base", "toy-wide", "toy")
    assert (base.seed, wide.seed, own.seed) == (0, 3, 0)


def test_encoders_that_start_alike_are_judged_once(spec: Path) -> None:
    study = compile_grid(spec, read_grid(["variant=base,toy"], seeds="2"), runs=Path("runs"))
    assert [run.untrained for run in study.runs] == [True, False, True, False]


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (["variant=bass"], "no variant `bass`"),
        (["variant=base", "lambda=1,5"], "the variant `base` sets what `lambda` varies"),
        (["variant", "method.with.embed.width=32,48"], "the variant `wide` sets what"),
    ],
)
def test_what_cannot_be_meant_is_refused(spec: Path, grid: list[str], expected: str) -> None:
    with pytest.raises(SpecError) as refused:
        with_variants(read_grid(grid), spec)
    assert expected in refused.value.diagnostics[0].message


def test_a_spec_without_variants_says_where_they_would_be(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(toy_text("vicreg"))
    with pytest.raises(SpecError) as refused:
        with_variants(read_grid(["variant"]), path)
    assert "compare:" in str(refused.value.diagnostics[0].help)
