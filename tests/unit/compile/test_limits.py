"""Numbers of cards and schedules stay within their limits, and an error says which they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.check import check
from eqspec.errors import Diagnostic, SpecError
from tests.toy_specs import PATH, toy_text


def problems_of(tmp_path: Path, *overrides: str, method: str = "vicreg") -> tuple[Diagnostic, ...]:
    spec = tmp_path / "toy.yaml"
    spec.write_text(toy_text(method, equivariance=PATH))
    try:
        check(spec, overrides=overrides)
    except SpecError as error:
        return error.diagnostics
    return ()


COSINE = "{{impl: cosine, params: {{from: {}, to: {}}}}}"
DECAY = "train.optimizer={{impl: adamw, params: {{lr: 0.001, weight_decay: {}}}}}"

REFUSED = {
    "a weight decay": ("vicreg", DECAY.format("-0.05"), "must be at least 0"),
    "a decay that becomes negative": (
        "vicreg",
        DECAY.format(COSINE.format(0.1, -1)),
        "`cosine` reaches -1, and what it sets must be at least 0",
    ),
    "a decay of a rule": ("ibot", "method.with.recipe.rules.0.weight_decay=-1", "at least 0"),
    "the weight of a term": ("vicreg", "method.with.variance.weight=-1", "must be at least 0"),
    "a weight that becomes negative": (
        "vicreg",
        f"method.with.variance.weight={COSINE.format(-1, 1)}",
        "reaches -1",
    ),
    "the weight of an added term": ("vicreg", "equivariance.with.recon.weight=-1", "at least 0"),
    "a momentum": ("ibot", "method.with.teacher.momentum=-0.5", "must be at least 0"),
    "a momentum beyond all": ("ibot", "method.with.teacher.momentum=1.5", "must be at most 1"),
    "a momentum that leaves its limits": (
        "ibot",
        f"method.with.teacher.momentum={COSINE.format(0.9, 1.1)}",
        "`cosine` reaches 1.1, and what it sets must be at most 1",
    ),
    "a temperature of nothing": ("ibot", "method.with.cls.teacher_temp=0", "greater than 0"),
    "a temperature that comes to nothing": (
        "ibot",
        f"method.with.cls.teacher_temp={COSINE.format(0.04, 0)}",
        "reaches 0, and what it sets must be greater than 0",
    ),
    "a learning rate that starts below nothing": (
        "vicreg",
        "train.schedule={impl: warmup_cosine, params: {warmup: 2 steps, start: -1}}",
        "`warmup_cosine` reaches -1",
    ),
}


@pytest.mark.parametrize(("method", "override", "words"), REFUSED.values(), ids=REFUSED)
def test_a_number_beyond_its_limits_is_refused(
    tmp_path: Path, method: str, override: str, words: str
) -> None:
    (diagnostic,) = problems_of(tmp_path, override, method=method)
    assert diagnostic.code == "EQ012"
    assert words in diagnostic.message
    assert diagnostic.location is not None
    assert diagnostic.location.file == "<cli>:--set #1"


@pytest.mark.parametrize(
    ("method", "override"),
    [
        ("vicreg", "method.with.variance.weight=0"),
        ("vicreg", f"method.with.variance.weight={COSINE.format(1, 0)}"),
        ("vicreg", DECAY.format(COSINE.format(0, 0.4))),
        ("ibot", f"method.with.teacher.momentum={COSINE.format(0, 1)}"),
    ],
)
def test_the_limit_itself_is_legal(tmp_path: Path, method: str, override: str) -> None:
    assert problems_of(tmp_path, override, method=method) == ()
