"""Writes data as YAML that every reader, of 1.1 or of 1.2, reads back as it was."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

from eqspec.spec.scalars import CORE_SCHEMA

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eqspec.spec.model import Spec

_FOREIGN_BREAKS = frozenset("\r\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes texts which YAML 1.1 or 1.2 would read as another type; no aliases."""

    yaml_implicit_resolvers = MappingProxyType(
        {**yaml.SafeDumper.yaml_implicit_resolvers, None: list(CORE_SCHEMA)}
    )

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        """PyYAML folds line breaks other than newlines into blanks, except in double quotes."""
        style = style if _FOREIGN_BREAKS.isdisjoint(value) else '"'
        return super().represent_scalar(tag, value, style)  # pyright: ignore[reportUnknownMemberType]

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's hook
        return True


class _InlineDumper(_Dumper):
    """Quotes newlines too, which would otherwise be written as blank lines."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        """As above, for a newline as well."""
        return super().represent_scalar(tag, value, '"' if "\n" in value else style)


def write_yaml(data: JsonValue) -> str:
    """Plain data as YAML, in its own order; short inner mappings and lists on one line."""
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


def inline_yaml(data: JsonValue) -> str:
    """Return plain data on one line, in the form that follows a key."""
    text = yaml.dump(
        data,
        Dumper=_InlineDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True,
        width=math.inf,
    )
    return text.removesuffix("\n").removesuffix("...").rstrip()


def dump_spec(spec: Spec) -> str:
    """Return a spec as YAML that loads as the same spec, with every value."""
    return write_yaml(spec.model_dump(mode="json", by_alias=True))
