"""What a run tells of itself in `log.txt`: each event in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import eqspec
from eqspec.build.toolchain import find_toolchain
from eqspec.commands.running.events import (
    Compiled,
    Damaged,
    Evaluated,
    Judging,
    Opened,
    Remarked,
    RunEvent,
    Saved,
    Sealed,
    Stopped,
    Why,
)
from eqspec.compile.types.initial_weights import LayoutPlan
from eqspec.engine.events import Agreed, Stepped
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.build.program import Program
    from eqspec.build.weights.published import PublishedFit

_WHY = ((Why.ASKED, "as was asked for"), (Why.STEPS, "--steps"), (Why.TIME, "--time-limit"))


def told(event: RunEvent) -> Iterator[str]:
    """One text per thing to be told; single steps are told by `metrics.jsonl`."""
    match event:
        case Opened():
            yield _opened(event)
            yield from event.notes
            yield from (f"warning: {warning}" for warning in event.warnings)
        case Agreed():
            yield agreed(event)
        case Compiled():
            yield compiled(event)
        case Damaged(images=images):
            yield from (f"warning: {image}; another stands for it" for image in images)
        case Remarked(images=images):
            yield from (f"warning: read with a remark of the decoder: {image}" for image in images)
        case Stepped() | Sealed():
            return
        case _:
            yield _done(event)


def _done(event: Saved | Judging | Evaluated | Stopped) -> str:
    match event:
        case Saved(step=step):
            said = f"saved the checkpoint of step {step}"
        case Judging(evaluation=evaluation, step=step):
            said = f"judging {evaluation.id} after step {step}{event.reason}"
        case Evaluated(judged=judged, step=step):
            said = f"judged {judged.evaluation.id} after step {step}"
        case Stopped(step=step, why=why):
            said = f"stopped after step {step}, which is saved: {dict(_WHY)[why]}"
    return said


def agreed(event: Agreed) -> str:
    """That compiled code does the same."""
    return (
        f"compiled and uncompiled losses agree: `{event.term}` differs most, by {event.gap:.1e} "
        f"of {event.tolerance:.0e} allowed"
    )


def compiled(event: Compiled) -> str:
    """How much was compiled; why, where nothing more should have been."""
    work = event.work
    forms = counted(work.forms, "form") if work.forms else "the backward"
    said = f"compiled {forms} of blocks and losses in {work.seconds:.1f} s at step {event.step}"
    if not event.late:
        return said
    return "\n".join((f"warning: {said}, after the first steps:", *work.reasons))


def told_published(found: PublishedFit) -> tuple[str, ...]:
    """How published weights were taken over, a line per kind of tensor; every odd one is named."""
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
    lines += [f"taken in part although {one}" for one in found.disagreements]
    return tuple(lines)


def _stripped(layout: LayoutPlan) -> str:
    """What stood around the names of the encoder; empty where nothing did."""
    around = [f"`{layout.wrapper}`"] if layout.wrapper else []
    return ", ".join([*around, *(f"`{one}.` inside names" for one in layout.inserted)])


def _opened(event: Opened) -> str:
    if not event.plan.trains:
        return f"eqspec {eqspec.__version__}: nothing to train, published weights to judge"
    steps = event.plan.train.steps
    since = (
        f"goes on from step {event.done} of {steps}"
        if event.done
        else f"{counted(steps, 'step')} to do"
    )
    made = event.program
    how = ""
    if made is not None:
        how = f", on {made.device}, compile {_compile(made)}"
    return f"eqspec {eqspec.__version__}: {since}{how}"


def _compile(program: Program) -> str:
    if program.compiled:
        return "on"
    if program.plan.machine.compile != "auto":
        return "off"
    return f"off: this machine lacks {' and '.join(find_toolchain().missing)} (EQ504)"
