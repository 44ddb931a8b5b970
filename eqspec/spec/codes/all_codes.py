"""Every code of a diagnostic, with the page that `eqspec explain CODE` shows.

EQ00x the text · EQ01x one value · EQ02x values together · EQ03x the graph ·
EQ04x evaluations · EQ05x data · EQ3xx weights · EQ4xx grids · EQ5xx warnings.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.spec.codes.code import Code
from eqspec.spec.codes.data_codes import DATA, WEIGHTS
from eqspec.spec.codes.spec_codes import TEXT, TOGETHER, VALUES
from eqspec.spec.codes.warning_codes import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (*TEXT, *VALUES, *TOGETHER, *DATA, *WEIGHTS, *WARNINGS)

CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _ALL})
"""All codes, in order."""
assert len(CODES) == len(_ALL), "two diagnostics have one code"
