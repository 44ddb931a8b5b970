"""Rules about several values at once that need no cards.

They read the tree of what was written rather than the validated spec, so they run even when single
values are wrong, and take no notice of a value that is of the wrong kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eqspec.errors import Diagnostic, Severity
from eqspec.spec.node import KeyPath, dotted
from eqspec.spec.untrained import given, trained_or_published

if TYPE_CHECKING:
    from eqspec.spec.source import Source


def across_fields(source: Source) -> tuple[Diagnostic, ...]:
    """Apply every rule to a source."""
    rules = (
        _one_size_of_slice,
        _weight_of_slice,
        _when_to_evaluate,
        _equal_pieces,
        _one_start,
        trained_or_published,
    )
    return tuple(diagnostic for rule in rules for diagnostic in rule(source))


def _one_size_of_slice(source: Source) -> Iterator[Diagnostic]:
    split, d_equi = ("equivariance", "split"), ("equivariance", "d_equi")
    if given(source, split) and given(source, d_equi):
        advice = "delete one: `split` is a share of the features, `d_equi` their number"
        yield _exclude(source, (split, d_equi), advice=advice)


def _weight_of_slice(source: Source) -> Iterator[Diagnostic]:
    weight = ("equivariance", "lambda")
    sizes = [p for k in ("split", "d_equi") if given(source, p := ("equivariance", k))]
    if sizes and _number(source, weight) == 0:
        yield Diagnostic(
            "EQ501",
            "`equivariance.lambda` is 0 although the embedding is split",
            source.value(weight),
            label="no term trains the equivariant features",
            help="write `equivariance: none` for the base method with its full embedding",
            also=((source.value(sizes[0]), "these features are lost to the method"),),
            severity=Severity.WARNING,
        )


def _when_to_evaluate(source: Source) -> Iterator[Diagnostic]:
    written = source.get(("evaluate",))
    count = len(written.value) if written and isinstance(written.value, tuple) else 0
    for index in range(count):
        at, every = ("evaluate", index, "at"), ("evaluate", index, "every")
        if given(source, at) and given(source, every):
            yield _exclude(source, (at, every), advice="delete one, or write two entries")
        elif not given(source, at) and not given(source, every):
            yield Diagnostic(
                "EQ002",
                f"missing key `{dotted(at)}` or `{dotted(every)}`",
                source.key(at[:-1]),
                label="needs `at` or `every`",
                help="write `at: end`, or for example `every: 10 epochs`",
            )


def _equal_pieces(source: Source) -> Iterator[Diagnostic]:
    batch, pieces = ("train", "batch"), ("machine", "micro_batches")
    images, count = _number(source, batch), _number(source, pieces)
    if images and count and images % count:
        yield Diagnostic(
            "EQ021",
            f"a batch of {images} images cannot be cut into {count} equal pieces",
            source.value(pieces),
            label=f"{images} / {count} is not a whole number",
            help="write `auto`, or a number that divides the batch",
            also=((source.value(batch), "the batch"),),
        )


def _one_start(source: Source) -> Iterator[Diagnostic]:
    run, published = ("init_from",), ("backbone", "init")
    if given(source, run) and given(source, published):
        advice = "delete one: `init_from` takes a run of eqspec, `backbone.init` published weights"
        yield _exclude(source, (published, run), advice=advice)


def _exclude(source: Source, keys: tuple[KeyPath, KeyPath], *, advice: str) -> Diagnostic:
    earlier, later = keys
    return Diagnostic(
        "EQ020",
        f"`{dotted(later)}` and `{dotted(earlier)}` exclude one another",
        source.key(later),
        label="not both",
        help=advice,
        also=((source.key(earlier), f"`{earlier[-1]}` is set here"),),
    )


def _number(source: Source, path: KeyPath) -> float | None:
    """The number at a path, if it is positive or 0."""
    node = source.get(path)
    number = node.value if node is not None else None
    if isinstance(number, (int, float)) and not isinstance(number, bool) and number >= 0:
        return number
    return None
