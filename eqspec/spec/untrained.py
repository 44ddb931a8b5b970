"""Rules for specs without training, which evaluate published weights of an encoder.

Like the rules in `eqspec.spec.rules`, they work on the source text of the spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from eqspec.errors import Diagnostic, Severity
from eqspec.spec.node import KeyPath, dotted

if TYPE_CHECKING:
    from eqspec.spec.source import Source

_TRAIN, _METHOD, _INIT = ("train",), ("method",), ("backbone", "init")

_OF_TRAINING: tuple[KeyPath, ...] = (
    _METHOD,
    ("augment",),
    ("equivariance",),
    ("init_from",),
    ("keep", "every"),
)
"""Keys about training, in addition to `train`."""


def given(source: Source, path: KeyPath) -> bool:
    """Return whether the spec sets a value other than null."""
    node = source.get(path)
    return node is not None and node.value is not None


def trained_or_published(source: Source) -> Iterator[Diagnostic]:
    """Check that the encoder is either trained by a method, or has only published weights."""
    root = source.get(())
    if root is None or not isinstance(root.value, Mapping):
        return
    trained = given(source, _TRAIN)
    if not trained and given(source, _INIT):
        yield from _nothing_of_training(source)
        yield from _without_evaluation(source)
        return
    if not trained:
        yield _missing(
            source,
            _TRAIN,
            advice="`train`: length, batch, optimizer; or, to evaluate published weights, "
            "`backbone: {use: …, init: …}`",
        )
    if not given(source, _METHOD):
        yield _missing(source, _METHOD, advice="`method`: the self-supervised method.")


def _nothing_of_training(source: Source) -> Iterator[Diagnostic]:
    for path in _OF_TRAINING:
        if given(source, path) and not _is_none(source, path):
            message = f"`{dotted(path)}` is about training, but nothing is trained"
            advice = "delete it, or add `train: {length: …, batch: …}`"
            yield _idle(source, path, message=message, advice=advice)
    for at in range(_evaluations(source)):
        path = ("evaluate", at, "every")
        if given(source, path):
            message = f"`{dotted(path)}` is an interval of training, but nothing is trained"
            advice = "write `at: end`: the weights are evaluated once"
            yield _idle(source, path, message=message, advice=advice)


def _idle(source: Source, path: KeyPath, *, message: str, advice: str) -> Diagnostic:
    return Diagnostic(
        "EQ023",
        message,
        source.key(path),
        label="there is no `train`",
        help=advice,
        also=((source.key(_INIT), "without it, these weights are evaluated"),),
    )


def _without_evaluation(source: Source) -> Iterator[Diagnostic]:
    if not _evaluations(source):
        yield Diagnostic(
            "EQ508",
            "nothing is trained and nothing is evaluated",
            source.key(_INIT),
            label="these weights are not used",
            help="add `evaluate: [{use: r2, at: end}]`",
            severity=Severity.WARNING,
        )


def _missing(source: Source, path: KeyPath, *, advice: str) -> Diagnostic:
    name = dotted(path)
    return Diagnostic(
        "EQ002", f"missing key `{name}`", source.key(()), label=f"needs `{name}`", help=advice
    )


def _evaluations(source: Source) -> int:
    node = source.get(("evaluate",))
    return len(node.value) if node is not None and isinstance(node.value, tuple) else 0


def _is_none(source: Source, path: KeyPath) -> bool:
    """Return whether the value is the word `none`, as in `equivariance: none`."""
    node = source.get(path)
    return node is not None and node.value == "none"
