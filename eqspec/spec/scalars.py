"""Plain scalars by the core schema of YAML 1.2.

`1e-3` is a number, `010` is ten, `0o17` is fifteen; `no`, `on` and `12:30:00` are texts
(YAML 1.2.2, section 10.3.2). PyYAML by itself follows YAML 1.1 and reads each of them otherwise.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eqspec.spec.node import Scalar

STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"

CORE_SCHEMA = (
    (_NULL, re.compile(r"(?:null|Null|NULL|~|)\Z")),
    (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
    (_INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")),
    (_FLOAT, re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")),
    (_FLOAT, re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")),
)
"""Tag and pattern of all scalars but texts, in order of precedence."""

_LARGEST = 2**63 - 1
_MOST_DIGITS = 19

# libyaml is many times faster than the pure Python parser, and not on every machine.
_Parser: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Yaml12Loader(_Parser):
    """PyYAML's SafeLoader with the scalars of YAML 1.2; read event by event, never constructed."""

    yaml_implicit_resolvers = MappingProxyType({None: list(CORE_SCHEMA)})


class UnfitScalar(ValueError):
    """A number or text that cannot be kept as JSON keeps it."""


def scalar(tag: str, text: str) -> Scalar:
    """The Python value of a scalar that was resolved to a tag of the core schema.

    Raises:
        UnfitScalar: not finite, beyond 64 bits, or half of a surrogate pair.
    """
    read = _READERS.get(tag)
    return read(text) if read else None


def _text(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UnfitScalar("this text contains half of a surrogate pair, which is not a character")
    return text


def _truth(text: str) -> bool:
    return text[0] in "tT"


def _whole_number(text: str) -> int:
    digits = text.lstrip("+-")
    base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
    significant = (digits if base == 10 else digits[2:]).lstrip("0") or "0"
    if base == 10 and len(significant) > _MOST_DIGITS:
        raise UnfitScalar("this whole number does not fit into 64 bits")
    value = int(significant, base)
    if value > _LARGEST:
        raise UnfitScalar("this whole number does not fit into 64 bits")
    return -value if text.startswith("-") else value


def _number(text: str) -> float:
    value = math.inf if text[-1].isalpha() else float(text)
    if not math.isfinite(value):
        raise UnfitScalar("this number is not finite")
    return value


_READERS: Mapping[str, Callable[[str], Scalar]] = MappingProxyType(
    {STR: _text, _BOOL: _truth, _INT: _whole_number, _FLOAT: _number}
)
