"""Tests of commands that are one of several processes, and of `--devices`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eqspec.cli import processes
from tests.command_line import ask

if TYPE_CHECKING:
    from eqspec.launch.local import Ended

SINGLE = (
    ("ablate", "specs/quickstart.yaml", "--grid", "lambda"),
    ("eval", "latest"),
    ("audit", "latest"),
)

LAUNCHERS = (
    {"WORLD_SIZE": "4", "RANK": "{rank}", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"},
    {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "{rank}"},
)


def as_rank(rank: int, launcher: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in launcher.items():
        monkeypatch.setenv(name, value.format(rank=rank))


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a process has waited before it reported an error."""
    found: list[float] = []
    monkeypatch.setattr(processes.time, "sleep", found.append)
    return found


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=["torchrun", "srun"])
@pytest.mark.parametrize("command", SINGLE, ids=lambda c: c[0])
def test_the_main_process_reports_first(
    command: tuple[str, ...],
    launcher: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    waited: list[float],
) -> None:
    as_rank(0, launcher, monkeypatch)
    first = ask(*command)
    assert first.status == 2
    assert f"error: `eqspec {command[0]}` uses a single process, but" in first.err
    assert waited == []
    as_rank(3, launcher, monkeypatch)
    other = ask(*command)
    assert waited == [processes.MAIN_FIRST], "or the launcher might stop the first before"
    assert (other.status, other.out) == (2, "")
    assert other.err.startswith("rank 3 of 4:\nerror: "), "the main process may not have had it"


def test_another_process_prints_only_its_errors(
    monkeypatch: pytest.MonkeyPatch, waited: list[float]
) -> None:
    as_rank(2, LAUNCHERS[0], monkeypatch)
    wrong = ask("run", "no-such-spec.yaml")
    assert wrong.status == 2
    assert wrong.err.startswith("rank 2 of 4:\nerror")
    assert waited == [processes.MAIN_FIRST]


def test_what_trains_nothing_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    as_rank(1, LAUNCHERS[0], monkeypatch)
    assert ask("check", "specs/quickstart.yaml").status == 0
    assert ask("plan", "specs/quickstart.yaml", "--no-trace").status == 0


@pytest.mark.parametrize("given", ["0", "-1", "two", "", "2.0", "99999", "²"])
def test_a_wrong_number_of_devices(given: str) -> None:
    found = ask("run", "specs/quickstart.yaml", f"--devices={given}")
    assert found.status == 2
    assert f"error: `--devices {given}` is neither a number of devices nor `auto`" in found.err


def test_another_number_than_the_launcher_started(monkeypatch: pytest.MonkeyPatch) -> None:
    as_rank(0, LAUNCHERS[0] | {"LOCAL_WORLD_SIZE": "4"}, monkeypatch)
    found = ask("run", "specs/quickstart.yaml", "--devices", "2")
    assert found.status == 2
    assert "`--devices 2`, but torchrun started 4 processes here" in found.err


def test_mistakes_in_the_spec_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object, **__: object) -> Ended:
        raise AssertionError("the spec is wrong")

    monkeypatch.setattr("eqspec.launch.local.run_ranks", started)
    found = ask("run", "specs/quickstart.yaml", "--devices", "2", "--set", "method.use=vicrag")
    assert found.status == 2
    assert "did you mean" in found.err
