"""Lines of `log.txt`, one or more per event of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import eqspec
from eqspec.commands.running.events import (
    Compiled,
    Damaged,
    Evaluated,
    Evaluating,
    FineTuning,
    FloorsKnown,
    Opened,
    Reconstructed,
    Remarked,
    RunEvent,
    Saved,
    Sealed,
    Stopped,
    StopReason,
)
from eqspec.compile.types.initial_weights import LayoutPlan
from eqspec.engine.events import Agreed, Stepped
from eqspec.report.floors import floors_sentence, reconstruction_sentence, shows_nothing
from eqspec.report.numbers import number
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.build.program import Program
    from eqspec.build.weights.published import PublishedFit

_STOPPED_BY = (
    (StopReason.ASKED, "as requested"),
    (StopReason.STEPS, "--steps"),
    (StopReason.TIME, "--time-limit"),
)


def log_lines(event: RunEvent) -> Iterator[str]:
    """Yield the lines of an event in `log.txt`; steps and the seal have none."""
    match event:
        case Opened():
            yield _opened(event)
            yield from event.notes
            yield from (f"warning: {warning}" for warning in event.warnings)
        case FloorsKnown(stored=stored):
            yield floors_sentence(stored.floors)
        case Reconstructed(reconstruction=found):
            yield reconstruction_sentence(found)
            yield from reconstruction_warning(event)
        case Agreed():
            yield agreed(event)
        case Compiled():
            yield compiled(event)
        case Damaged() | Remarked():
            yield from _of_images(event)
        case Stepped() | Sealed() | FineTuning():
            return  # the folder of a fine-tuning has a log of its own
        case _:
            yield _progress(event)


def _of_images(event: Damaged | Remarked) -> Iterator[str]:
    if isinstance(event, Damaged):
        yield from map(replaced, event.images)
    else:
        yield from (f"warning: the decoder remarks on {image}" for image in event.images)


def _progress(event: Saved | Evaluating | Evaluated | Stopped) -> str:
    match event:
        case Saved(step=step):
            line = f"saved the checkpoint of step {step}"
        case Evaluating(evaluation=evaluation):
            line = f"evaluating {evaluation.id}, {encoder_of(event)}{event.remark}"
        case Evaluated(result=result):
            line = f"evaluated {result.evaluation.id}, {encoder_of(event)}"
        case Stopped(reason=StopReason.BEYOND):
            line = beyond(event)
        case Stopped(step=step, reason=reason):
            line = f"stopped after step {step}, which is saved: {dict(_STOPPED_BY)[reason]}"
    return line


def beyond(event: Stopped) -> str:
    """Return why nothing was trained: `--steps` is a total that the run has reached before."""
    at, until = event.step, event.until
    return (
        f"the run is already at step {at}; --steps {until} is the total, not a number of further "
        f"steps: --steps {at + until} trains {until} more, and without --steps all the rest"
    )


def encoder_of(event: Evaluating | Evaluated) -> str:
    """Return which encoder is evaluated: after a step, untrained, or as published."""
    if event.step:
        return f"after step {number(event.step)}"
    return "untrained encoder" if event.trains else "as published"


def replaced(image: str, *, more: int = 0) -> str:
    """Return the warning about a damaged image, given with its reason, and `more` others."""
    which = f", and {counted(more, 'more image')}; each" if more else "; it"
    return f"warning: {image}{which} is replaced by another image"


def reconstruction_warning(event: Reconstructed) -> Iterator[str]:
    """Yield the warning about a reconstruction that is not below its floor, if it is not."""
    warning = shows_nothing(event.reconstruction)
    if warning is not None:
        yield f"warning: {warning}"


def agreed(event: Agreed) -> str:
    """Return the line of a comparison of compiled with uncompiled losses."""
    return (
        f"compiled and uncompiled losses agree: `{event.term}` differs most, by {event.gap:.1e} "
        f"of {event.tolerance:.0e} allowed"
    )


def compiled(event: Compiled) -> str:
    """Return the lines of a compilation, with torch's reasons if it is an unexpected one."""
    work = event.work
    forms = counted(work.forms, "form") if work.forms else "the backward"
    line = f"compiled {forms} of blocks and losses in {work.seconds:.1f} s at step {event.step}"
    if not event.late:
        return line
    return "\n".join((f"warning: {line}, after the first steps:", *work.reasons))


def weights_lines(found: PublishedFit) -> tuple[str, ...]:
    """Return how published weights are converted: a line per kind of tensor, with exceptions."""
    fit, layout = found.fit, found.layout
    named = f"layout `{layout.name}`, part `{layout.part}`"
    lines = [f"published weights: {named}: {counted(len(fit.taken), 'tensor')} matched"]
    lines += [f"wrappers stripped: {stripped}"] if (stripped := _stripped(layout)) else []
    lines += [
        f"resampled: `{name}` {list(there)} → {list(here)}"
        for name, (there, here) in found.resampled.items()
    ]
    lines += [f"set aside: {len(names)} of {what}" for what, names in found.aside.items()]
    odd = (
        ("missing in the file, fresh", fit.missing),
        ("unexpected, left out", fit.unexpected),
        ("of another shape, fresh", fit.misshapen),
    )
    lines += [f"{what}: {', '.join(f'`{n}`' for n in names)}" for what, names in odd if names]
    lines += [f"used in part although {one}" for one in found.disagreements]
    return tuple(lines)


def _stripped(layout: LayoutPlan) -> str:
    """Return the wrappers around the encoder's names; empty if there are none."""
    around = [f"`{layout.wrapper}`"] if layout.wrapper else []
    return ", ".join([*around, *(f"`{one}.` inside names" for one in layout.inserted)])


def _opened(event: Opened) -> str:
    if not event.plan.trains:
        return f"eqspec {eqspec.__version__}: nothing to train, published weights to evaluate"
    steps = event.plan.train.steps
    since = (
        f"continues from step {event.done} of {steps}"
        if event.done
        else f"{counted(steps, 'step')} to do"
    )
    program = event.program
    how = ""
    if program is not None:
        how = f", on {program.device}, compile {_compile(program)}"
    return f"eqspec {eqspec.__version__}: {since}{how}"


def _compile(program: Program) -> str:
    if program.compiled:
        return "on"
    return f"off: {program.why_uncompiled}" if program.why_uncompiled else "off"
