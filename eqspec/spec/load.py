"""Reading of a spec: text, overrides, schema, rules and variants; all problems in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from eqspec.errors import Diagnostic, Severity, SpecError
from eqspec.spec.controls import MEANT
from eqspec.spec.diagnose import in_order, validate
from eqspec.spec.model import Spec
from eqspec.spec.override import (
    Argument,
    Override,
    overridden,
    override_name,
    variants,
    with_arguments,
)
from eqspec.spec.reader import MAX_CHARACTERS
from eqspec.spec.rules import across_fields
from eqspec.spec.source import Source, read_yaml

_DEVICES = ("dev",)  # /dev/stdin and /dev/fd/N: a shell writes to them
_MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 needs four for the rarest


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A legal spec, with the location of each of its values.

    Attributes:
        spec: the validated model.
        source: its text with locations; `source.value(path).file` is the file or an override.
        path: the file, as given by the user.
        overrides: the `--set` arguments that were applied.
        warnings: problems that do not stop a command.
        variants: the variants in `compare:`, by name and in order.
    """

    spec: Spec
    source: Source
    path: Path
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    variants: Mapping[str, LoadedSpec] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class CheckedSpec:
    """A spec checked by itself, without its cards.

    Attributes:
        source: the text, with overrides and the changes of a variant applied.
        spec: None where there is an error.
    """

    source: Source
    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> bool:
        """Whether any diagnostic is an error."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of reading a spec, legal or not; `loaded` returns the legal one.

    Attributes:
        own: the spec itself.
        variants: the variants in `compare:`, by name and in order.
    """

    path: Path
    own: CheckedSpec
    variants: Mapping[str, CheckedSpec]
    overrides: tuple[Override, ...] = ()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All problems, in the order of the file."""
        each = (self.own, *self.variants.values())
        return in_order(d for checked in each for d in checked.diagnostics)

    def loaded(self) -> LoadedSpec:
        """Return the legal spec.

        Raises:
            SpecError: there are errors; contains all problems, in the order of the file.
        """
        spec = self.own.spec
        if spec is None or self.own.errors or any(o.errors for o in self.variants.values()):
            raise SpecError(self.diagnostics)
        own = LoadedSpec(spec, self.own.source, self.path, self.overrides, self.diagnostics)
        others = {
            name: replace(own, spec=o.spec, source=o.source, warnings=in_order(o.diagnostics))
            for name, o in self.variants.items()
            if o.spec is not None
        }
        return replace(own, variants=MappingProxyType(others))


def load_spec(path: Path | str, *, overrides: Sequence[str] = ()) -> LoadedSpec:
    """Read a spec from a file.

    Args:
        path: the file.
        overrides: `path=value` arguments, values in YAML, applied in order.

    Raises:
        SpecError: with all problems, in the order of the file.
    """
    return read_spec(Path(path), overrides=overrides).loaded()


def parse_spec(text: str, *, path: Path, overrides: Sequence[str] = ()) -> LoadedSpec:
    """Read a legal spec from a text; ``path`` is its name in diagnostics.

    Raises:
        SpecError: with all problems, in the order of the text.
    """
    return read_spec_text(text, path=path, overrides=overrides).loaded()


def read_spec(path: Path, *, overrides: Sequence[str] = ()) -> Reading:
    """Read a spec from a file; its problems are part of the result.

    Raises:
        SpecError: there is no text to read.
    """
    return read_spec_text(read_text(path), path=path, overrides=overrides)


def read_spec_text(
    text: str,
    *,
    path: Path,
    overrides: Sequence[str] = (),
    arguments: Sequence[Argument] = (),
) -> Reading:
    """Read a spec from a text; its problems are part of the result.

    Args:
        path: its name in diagnostics.
        overrides: `path=value` arguments, applied in order.
        arguments: of other options, put in before the overrides.
    """
    source = read_yaml(text, name=str(path))
    if source.readable:
        source = overridden(with_arguments(source, arguments), overrides)
    applied = tuple(
        Override(override_name(number), argument.partition("=")[0], argument)
        for number, argument in enumerate(overrides, start=1)
    )
    others = {name: _check(other, meant=MEANT) for name, other in variants(source).items()}
    return Reading(path, _check(source), MappingProxyType(others), applied)


def read_text(path: Path) -> str:
    """Return the text of a spec or card.

    Raises:
        SpecError: the file is missing, unreadable, far too long, or not UTF-8.
    """
    try:
        if path.is_fifo() and path.absolute().parts[1:2] != _DEVICES:
            raise _refused_pipe(path)
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


def _refused_pipe(path: Path) -> SpecError:
    """Error for a pipe: reading it would block until another process writes."""
    message = f"`{path}` cannot be read: it is a pipe, not a file"
    return SpecError((Diagnostic("EQ009", message, help="copy its content to a file"),))


def _check(source: Source, *, meant: frozenset[str] = frozenset()) -> CheckedSpec:
    """Check a spec; warnings of the codes `meant` are left out."""
    validated = validate(Spec, source)
    rules = across_fields(source) if source.readable else ()
    found = (*source.problems, *validated.diagnostics, *rules)
    return CheckedSpec(source, validated.value, tuple(d for d in found if d.code not in meant))


def _nearby(path: Path) -> str | None:
    """Suggest a spec in the same folder with a similar name."""
    try:
        names = [other.name for other in path.parent.glob("*.yaml") if other.name != path.name]
    except (OSError, ValueError):
        return None
    close = get_close_matches(path.name, names, n=1)
    return f"did you mean `{path.with_name(close[0])}`?" if close else None
