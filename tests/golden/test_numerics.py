"""Changed numbers raise a rev: a few numbers of every op, held to what its rev once gave.

`pytest tests/golden --update-golden` adds what is new, which is skipped until then, and what has a
new rev. It never overwrites
the numbers of a rev: whoever changed them raises it, so that older results are known to be stale.
(Where only the inputs in `tests/numerics.py` changed, delete the entry first.)
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eqspec.ops.find import FAMILIES, find_op, op_names
from tests.numerics import LOOSE, OF, Numbers, of_dataset, of_draws
from tests.recorded import NUMERICS, skip_unrecorded

OPS = [f"{family}/{name}" for family in FAMILIES for name in op_names(family)]
DRAWS = "draws"
EXACT, ROUGH = 1e-9, 1e-3


def known() -> dict[str, dict[str, object]]:
    """What is pinned, by op."""
    return json.loads(NUMERICS.read_text(encoding="utf-8"))


def numbers_of(key: str, folder: Path) -> Numbers:
    """The numbers that an op gives now."""
    if key == DRAWS:
        return of_draws()
    family, name = key.split("/")
    return of_dataset(name, folder) if family == "datasets" else OF[family](name)


def rev_of(key: str) -> int:
    """The op's rev; the generator has none, and never changes."""
    return 1 if key == DRAWS else find_op(*key.split("/")).rev


def write(entries: dict[str, dict[str, object]]) -> None:
    """An op to a line, so that a diff names what it is about."""
    lines = ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in sorted(entries.items()))
    NUMERICS.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def differences(then: Numbers, now: Numbers, *, rough: bool) -> list[str]:
    """What moved; relative to each group's largest number."""
    found = [f"there are {sorted(now)}, there were {sorted(then)}"] if set(now) != set(then) else []
    for part in sorted(set(then) & set(now)):
        scale = max(map(abs, then[part]), default=0.0) or 1.0
        allowed = (ROUGH if rough else EXACT) * scale
        if now[part] != pytest.approx(then[part], rel=0, abs=allowed):
            found.append(f"{part or 'values'}: {then[part]} → {now[part]}")
    return found


@pytest.mark.parametrize("key", [*OPS, DRAWS])
def test_numbers_change_with_the_rev(
    key: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    entries, now = known(), numbers_of(key, tmp_path)
    assert now, f"{key} declares no example"
    entry = entries.get(key)
    is_new = entry is None or entry["rev"] != rev_of(key)
    if is_new and request.config.getoption("--update-golden"):
        entry = {"rev": rev_of(key), "numbers": now}
        write({**entries, key: entry})
    if entry is None:
        skip_unrecorded(key, request=request)
    assert entry["rev"] == rev_of(key), f"{key} has a new rev: pytest tests/golden --update-golden"
    moved = differences(entry["numbers"], now, rough=key.split("/", maxsplit=1)[0] in LOOSE)
    assert moved == [], f"the numbers of {key} changed at rev {entry['rev']}: raise its rev"


def test_no_entry_is_left_of_what_is_gone() -> None:
    assert set(known()) <= {*OPS, DRAWS}


def test_the_comparison_has_teeth() -> None:
    then = {"a": [1.0, 2.0], "b": [1e-12]}
    assert differences(then, {"a": [1.0, 2.0], "b": [1e-12]}, rough=False) == []
    assert differences(then, {"a": [1.0, 2.00000001], "b": [1e-12]}, rough=False)
    assert differences(then, {"a": [1.0, 2.0], "b": [2e-12]}, rough=True)
    assert differences(then, {"a": [1.0, 2.0]}, rough=True)
