from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.cli.progress.display import Bars, Lines, Pace, watcher
from eqspec.cli.screen import Screen
from eqspec.commands.running.events import FineTuning, FloorsKnown, Opened, Sealed, Stopped
from eqspec.compile.types.plan import EvalPlan
from eqspec.engine.events import Stepped
from eqspec.nn.readouts.floors import Floor, PathFloors
from eqspec.runs.floors import RunFloors
from tests.toy_specs import toy_plan

PLAN = toy_plan("vicreg")
LONG = PLAN.model_copy(update={"train": PLAN.train.model_copy(update={"steps": 100})})


def _stepped(step: int, *, seconds: float = 0.5) -> Stepped:
    return Stepped(step=step, metrics={"loss": 1.5}, seconds=seconds, waited=0.0)


def test_plain_lines_come_every_five_per_cent(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(Screen()) as lines:
        lines.show(Opened(plan=LONG, folder=Path("r"), done=0, program=None), name="a")
        for step in range(1, 101):
            lines.show(_stepped(step), name="a")
        lines.show(Sealed(folder=Path("r")), name="a")
    text = capsys.readouterr().err.splitlines()
    assert text[0] == "a: 100 steps in r"
    assert len(text) == 1 + 20 + 1
    assert text[1] == "a: step   5 of 100, loss 1.5, 16 samples/s, 48 s left"
    assert text[-1] == "a: done after 0 s"


FLOORS = PathFloors(
    images=8,
    variance=0.05,
    size=32,
    full=Floor(copied=0.25, blind=0.15, known=0.02),
    coarse=Floor(copied=0.25, blind=0.15, known=0.02),
    side=8,
)


def test_the_reconstruction_stands_beside_its_blind_floor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = RunFloors(term="recon", reduction="mean", floors=FLOORS)
    with Lines(Screen()) as lines:
        lines.show(Opened(plan=LONG, folder=Path("r"), done=0, program=None), name="a")
        lines.show(FloorsKnown(stored), name="a")
        for step in range(1, 41):
            metrics = {"loss": 1.5, "recon": 0.05 if step <= 20 else 0.01}
            lines.show(Stepped(step=step, metrics=metrics, seconds=0.5, waited=0.0), name="a")
    text = capsys.readouterr().err.splitlines()
    assert text[1].startswith("a: floors of the reconstruction on 8 images, as shares of")
    assert text[2] == (
        "a: step   5 of 100, loss 1.5, recon 1.000 (blind 0.150), 16 samples/s, 48 s left"
    )
    assert "step  30 of 100, loss 1.5, recon 0.600 (blind" in text[7], "the mean over 20 steps"
    assert "step  40 of 100, loss 1.5, recon 0.200 (blind" in text[9]


def test_resumed_and_finished_runs_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(Screen()) as lines:
        for done in (40, 100):
            lines.show(Opened(plan=LONG, folder=Path("r"), done=done, program=None), name="a")
        lines.show(Stopped(folder=Path("r"), step=41), name="a")
    assert capsys.readouterr().err.splitlines() == [
        "a: 100 steps in r, from step 40 on",
        "a: trained to the end, 100 steps, in r",
        "a: stopped after step 41, which is saved",
    ]


def test_one_slow_step_does_not_move_the_estimate() -> None:
    pace = Pace(100, batch=8)
    for step in range(1, 10):
        pace.take(_stepped(step, seconds=60.0 if step == 1 else 0.5))
    assert pace.line(_stepped(10)) == "loss 1.5, 16 samples/s, 45 s left"


@pytest.mark.parametrize(
    ("stopped", "shown"),
    [(False, "finishing this step, then saving"), (True, "stopped after step 41, which is saved")],
)
def test_a_terminal_gets_a_progress_bar_with_the_remaining_time(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stopped: bool,
    shown: str,
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "100")):
        monkeypatch.setenv(name, value)
    with watcher(Screen(), stopping=lambda: True) as bars:
        assert isinstance(bars, Bars)
        bars.show(Opened(plan=LONG, folder=Path("r"), done=40, program=None), name="a")
        bars.show(_stepped(41), name="a")
        if stopped:
            bars.show(Stopped(folder=Path("r"), step=41), name="a")
    last = capsys.readouterr().err.splitlines()[-2]  # the very last shows the cursor again
    assert "41/100" in last
    assert shown in last


PROBE = EvalPlan(
    id="probe-00000000",
    name="probe",
    impl="linear_probe_images",
    rev=1,
    params={},
    data=PLAN.data,
    steps=(4,),
)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_training_of_an_evaluation_has_a_speed_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    if terminal:
        for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "120")):
            monkeypatch.setenv(name, value)
    with watcher(Screen(), stopping=lambda: False) as watching:
        watching.show(Opened(plan=PLAN, folder=Path("r"), done=4, program=None), name="a")
        for after in (0, 4):
            for step in range(1, 51):
                event = FineTuning(PROBE, step=after, plan=LONG, event=_stepped(step, seconds=0.25))
                watching.show(event, name="a")
    text = capsys.readouterr().err
    assert "training probe, step  50 of 100, loss 1.5, 32 samples/s, 12 s left" in text
    if not terminal:
        assert text.count("training probe, step") == 2 * 10
