from __future__ import annotations

import re
from pathlib import Path

import eqspec
from eqspec.spec.codes.all_codes import CODES

PACKAGE = Path(eqspec.__file__).parent


def test_every_code_that_is_given_is_explained():
    used = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'"(EQ[0-9]{3})"', path.read_text(encoding="utf-8"))
    }
    assert used <= set(CODES)


def test_codes_are_in_order_and_say_something():
    assert list(CODES) == sorted(CODES)
    for code, page in CODES.items():
        assert page.code == code
        assert all(text.endswith(".") for text in (page.what, page.why, page.fix))
        assert page.wrong != page.right
        assert len(page.title) < 60
