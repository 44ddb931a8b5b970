"""`eqspec diff`: the differences of two runs or specs, those that change the result first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.diff.comparand import Comparand, comparand
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.running.result_data import other_data_sentences, replaced_sentences
from eqspec.commands.summary_metric import summary_metrics
from eqspec.compile.spec_differences import Change, spec_changes
from eqspec.errors import Location, UsageError
from eqspec.nn.readouts.measurement import ENCODER, EvalProtocol, Measurement, ResultSet
from eqspec.report.border_shortcut import Gain, border_shortcuts
from eqspec.runs import journal
from eqspec.runs.curves import TRAIN, Curves, compare_curves
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.recorded_plan import RecordedPlan, Used
from eqspec.runs.tables import Entry, Kind, Table

ROWS = ("A", "B")
"""The rows of the table, and what pages call the two."""

_APART = ("checkout", "source", "data")  # shown under headings of their own


@dataclass(frozen=True, slots=True)
class Located:
    """A difference of the specs, and the location of each value."""

    change: Change
    place_a: Location | None
    place_b: Location | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A fact in which the two differ; None where it is unknown."""

    name: str
    a: JsonValue
    b: JsonValue


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An evaluation that cannot be compared.

    Attributes:
        why: who lacks it, or that the protocols differ.
    """

    evaluation: str
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences of two runs or specs.

    Attributes:
        spec: differences that change the weights, then the evaluation, then the rest.
        code, environment: differences, where both are known.
        data: fingerprints of the training data; None where it has not been read.
        table: rows A and B; the last step of training under `TRAIN`, then every evaluation that
            both have by the same protocol.
        unmatched: the other evaluations.
        images: sentences about the images of evaluations, where A and B differ in them.
        findings: sentences on what the differences of the measurements show.
        curves: None unless both have taken a step.
    """

    a: Comparand
    b: Comparand
    spec: tuple[Located, ...]
    code: tuple[Pair, ...]
    environment: tuple[Pair, ...]
    data: Pair
    table: Table
    unmatched: tuple[Unmatched, ...]
    images: tuple[str, ...]
    findings: tuple[str, ...]
    curves: Curves | None


def diff(
    a: str,
    b: str,
    *,
    root: Path,
    overrides: Sequence[str] = (),
    data: DataLocations = NO_LOCATIONS,
    every_metric: bool = False,
) -> Difference:
    """Compare two runs or specs.

    Args:
        a, b: a run's path, a prefix of its name, or `latest`; or a spec.
        root: folder of all runs.
        overrides: of a spec, as `--set` takes them.
        data: locations of the datasets of a spec.
        every_metric: all numbers of an evaluation, not only its summary metrics.

    Raises:
        UsageError: one of them is neither, or there are overrides and neither is a spec.
        FolderMismatch: a run folder is damaged.
        SpecError: a spec has errors.
    """
    left, right = (comparand(one, root=root, overrides=overrides, data=data) for one in (a, b))
    if (overrides or data.asked or data.own) and left.folder and right.folder:
        message = "`--set` and `--data` are for a spec, and both of these are runs"
        raise UsageError(message, help="leave them out")
    changes = list(spec_changes(left.plan.resolved, right.plan.resolved))
    both = left.last is not None and right.last is not None
    return Difference(
        a=left,
        b=right,
        spec=tuple(
            Located(c, left.sources.location(c.path, c.a), right.sources.location(c.path, c.b))
            for c in changes
        ),
        code=tuple(_code(left, right)),
        environment=tuple(_environment(left, right)),
        data=Pair("fingerprint", left.data, right.data),
        table=_table(left, right, every_metric=every_metric),
        unmatched=tuple(_unmatched(left, right)),
        images=tuple(_images(left, right)),
        findings=tuple(_findings(left, right)),
        curves=compare_curves(_rows(left), _rows(right)) if both else None,
    )


def _rows(one: Comparand) -> Iterator[Row]:
    assert one.folder is not None, "only a run has rows"
    return journal.read(RunFolder(one.folder).metrics)


def _code(a: Comparand, b: Comparand) -> Iterator[Pair]:
    """Yield commits, and ops that both use, where rev or text differ."""
    if a.environment and b.environment:
        commits = commit_of(a.environment), commit_of(b.environment)
        sources = a.environment.get("source"), b.environment.get("source")
        # The digest of the code itself settles it; older folders have none.
        if None in sources or sources[0] != sources[1]:
            unsaved = any(text is None or text.endswith(UNSAVED) for text in commits)
            if commits[0] != commits[1] or unsaved:
                yield Pair("commit", *commits)
            if sources[0] != sources[1]:
                yield Pair("source", *(str(s)[:12] if s else None for s in sources))
    ops_a, ops_b = _ops(a.plan), _ops(b.plan)
    for name in ops_a.keys() & ops_b.keys():
        one, other = ops_a[name], ops_b[name]
        if one.rev != other.rev:
            yield Pair(name, f"rev {one.rev}", f"rev {other.rev}")
        elif one.sha256 != other.sha256:
            yield Pair(name, *(f"rev {u.rev}, text {u.sha256[:8]}" for u in (one, other)))


UNSAVED = " + uncommitted changes"


def commit_of(environment: Mapping[str, JsonValue]) -> str | None:
    """Return the commit of a recorded environment; None if it did not run from a checkout."""
    checkout = environment.get("checkout")
    if not isinstance(checkout, dict):
        return None
    return f"{str(checkout.get('commit'))[:10]}{UNSAVED if checkout.get('dirty') else ''}"


def _ops(plan: RecordedPlan) -> dict[str, Used]:
    return {used.full_name: used for used in plan.provenance if used.kind == "op"}


def _environment(a: Comparand, b: Comparand) -> Iterator[Pair]:
    if not a.environment or not b.environment:
        return
    facts_a, facts_b = (
        dict(environment_facts(a.environment)),
        dict(environment_facts(b.environment)),
    )
    for name in dict.fromkeys([*facts_a, *facts_b]):
        if facts_a.get(name) != facts_b.get(name):
            yield Pair(name, facts_a.get(name), facts_b.get(name))


def environment_facts(environment: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Yield (name, value) of machine, system and packages, as a run folder records them."""
    for name, value in environment.items():
        if name in _APART:
            continue
        if isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


def _table(a: Comparand, b: Comparand, *, every_metric: bool) -> Table:
    """The measurements that both have, in the order of A's."""
    pairs = [*_training(a, b), *_results(a, b, every_metric=every_metric)]
    named = (one for pair in pairs for one in zip(ROWS, pair, strict=True))
    return Table.of(Entry(row, Kind.RUN, measurement) for row, measurement in named)


_Pair = tuple[Measurement, Measurement]
"""The same metric of A and B."""


def _training(a: Comparand, b: Comparand) -> Iterator[_Pair]:
    protocol = EvalProtocol(evaluation=TRAIN, id=TRAIN)
    if a.last is None or b.last is None:
        return
    for name, value in a.last.values.items():
        if name in b.last.values:
            one = Measurement(name, value, protocol=protocol)
            yield one, replace(one, value=b.last.values[name])


def _results(a: Comparand, b: Comparand, *, every_metric: bool) -> Iterator[_Pair]:
    """Measurements that both have, each after its last step."""
    of_a, of_b = _last(a), _last(b)
    for results in (results for id_, results in of_a.items() if id_ in of_b):
        shown = results.measurements if every_metric else summary_metrics(results, a.plan)
        theirs = {one.key: one for one in of_b[results.protocol.id].measurements}
        yield from ((one, theirs[one.key]) for one in shown if one.key in theirs)


def _findings(a: Comparand, b: Comparand) -> Iterator[str]:
    """Yield gains of either over the other that only black corners explain."""
    measured = [*_results(a, b, every_metric=False)]
    for names, pairs in ((ROWS, measured), (ROWS[::-1], [(two, one) for one, two in measured])):
        gains = [_gain(*pair) for pair in pairs]
        yield from border_shortcuts(filter(None, gains), of=names[0], over=names[1])


def _gain(of: Measurement, over: Measurement) -> Gain | None:
    """Return by how much one is above the other; None where there is no border."""
    family, border = of.of("family"), of.of("border")
    if family is None or border is None or of.row != ENCODER:
        return None
    theirs = {one.over: one for one in over.intervals}
    common = [(one, theirs[one.over]) for one in of.intervals if one.over in theirs]
    clear = bool(common) and all(one.low > other.high for one, other in common)
    return Gain(family, border, of.value - over.value, clear=clear)


def _last(one: Comparand) -> dict[str, ResultSet]:
    """Id of an evaluation → its last result; those before training are not compared."""
    trains = one.plan.train.steps > 0
    return {found.protocol.id: found for found in one.results if found.step > 0 or not trains}


def _images(a: Comparand, b: Comparand) -> Iterator[str]:
    """Yield sentences about evaluations of other held-out images or with replaced ones."""
    of_a, of_b = _last(a), _last(b)
    for id_, results in of_a.items():
        if id_ in of_b:
            both = [*zip(ROWS, (results, of_b[id_]), strict=True)]
            yield from other_data_sentences(both)
            yield from replaced_sentences(both)


def _unmatched(a: Comparand, b: Comparand) -> Iterator[Unmatched]:
    of_a, of_b = _last(a), _last(b)
    apart = [of_a[id_].protocol for id_ in of_a if id_ not in of_b]
    others = [of_b[id_].protocol for id_ in of_b if id_ not in of_a]
    names_a, names_b = ({one.evaluation for one in of} for of in (apart, others))
    for name in sorted(names_a | names_b):
        if name in names_a and name in names_b:
            yield Unmatched(name, "by different protocols")
        else:
            yield Unmatched(name, f"only {ROWS[0] if name in names_a else ROWS[1]}")
