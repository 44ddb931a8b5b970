"""Reads a spec: text, overrides, schema, rules and variants, with every problem in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from eqspec.errors import Diagnostic, Severity, SpecError
from eqspec.spec.diagnose import in_order, validate
from eqspec.spec.model import Spec
from eqspec.spec.override import Override, overridden, override_name, variants
from eqspec.spec.reader import MAX_CHARACTERS
from eqspec.spec.rules import across_fields
from eqspec.spec.source import Source, read_yaml

_MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 needs four for the rarest


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A legal spec, and where each of its values was written.

    Attributes:
        spec: what it says.
        source: where it says it. `source.value(path).file` tells an override from the file.
        path: the file, as the user gave it.
        overrides: the `--set` arguments that were applied.
        warnings: what is legal but deserves a second look.
        variants: what `compare:` makes of it, by name and in order.
    """

    spec: Spec
    source: Source
    path: Path
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    variants: Mapping[str, LoadedSpec] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class _Judged:
    """A source's spec, if it is legal, and all that is to be said about it."""

    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


def load_spec(path: Path | str, *, overrides: Sequence[str] = ()) -> LoadedSpec:
    """Read a spec from a file.

    Args:
        path: the file.
        overrides: `path=value` arguments, values in YAML, applied in order.

    Raises:
        SpecError: with all problems, in the order of the file.
    """
    path = Path(path)
    return parse_spec(read_text(path), path=path, overrides=overrides)


def parse_spec(text: str, *, path: Path, overrides: Sequence[str] = ()) -> LoadedSpec:
    """As `load_spec`, for a text that is at hand; ``path`` is its name in diagnostics.

    Raises:
        SpecError: with all problems, in the order of the text.
    """
    source = read_yaml(text, name=str(path))
    if source.readable:
        source = overridden(source, overrides)
    judged = _judge(source)
    others = {name: (other, _judge(other)) for name, other in variants(source).items()}
    found = in_order((*judged.diagnostics, *(d for _, o in others.values() for d in o.diagnostics)))
    if judged.spec is None or judged.errors or any(o.errors for _, o in others.values()):
        raise SpecError(found)
    applied = tuple(
        Override(override_name(number), argument.partition("=")[0], argument)
        for number, argument in enumerate(overrides, start=1)
    )
    loaded = LoadedSpec(judged.spec, source, path, applied, found)
    made = {
        name: replace(loaded, spec=o.spec, source=other, warnings=in_order(o.diagnostics))
        for name, (other, o) in others.items()
        if o.spec is not None
    }
    return replace(loaded, variants=MappingProxyType(made))


def read_text(path: Path) -> str:
    """The text of a spec or card.

    Raises:
        SpecError: when the file is missing, unreadable, far too long, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            message = f"`{path}` is too long: more than {_MAX_BYTES:,} bytes"
            raise SpecError((Diagnostic("EQ006", message),))
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"`{path}` is not UTF-8: byte {error.start} cannot be read"
        raise SpecError((Diagnostic("EQ009", message),)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        diagnostic = Diagnostic("EQ009", f"`{path}` cannot be read: {reason}", help=_nearby(path))
        raise SpecError((diagnostic,)) from None


def _judge(source: Source) -> _Judged:
    validated = validate(Spec, source)
    rules = across_fields(source) if source.readable else ()
    return _Judged(validated.value, (*source.problems, *validated.diagnostics, *rules))


def _nearby(path: Path) -> str | None:
    """Another spec in the same folder whose name is much the same."""
    try:
        names = [other.name for other in path.parent.glob("*.yaml")]
    except (OSError, ValueError):
        return None
    close = get_close_matches(path.name, names, n=1)
    return f"did you mean `{path.with_name(close[0])}`?" if close else None
