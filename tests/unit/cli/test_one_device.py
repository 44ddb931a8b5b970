"""Tests that training refuses to be one of several processes, and other commands do not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from eqspec.cli import one_device
from tests.command_line import ask

TRAINING = (
    ("run", "specs/quickstart.yaml"),
    ("ablate", "specs/quickstart.yaml", "--grid", "lambda"),
    ("eval", "latest"),
    ("audit", "latest"),
)

LAUNCHERS = (
    {"WORLD_SIZE": "4", "RANK": "{rank}", "LOCAL_RANK": "{rank}"},
    {"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "{rank}"},
    {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "{rank}"},
)


def as_rank(rank: int, launcher: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in launcher.items():
        monkeypatch.setenv(name, value.format(rank=rank))


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=["torchrun", "srun", "mpirun"])
@pytest.mark.parametrize("command", TRAINING, ids=lambda c: c[0])
def test_only_the_first_process_prints_the_error(
    command: tuple[str, ...], launcher: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_rank(0, launcher, monkeypatch)
    first = ask(*command)
    assert first.status == 2
    assert f"error: `eqspec {command[0]}` uses a single device, but" in first.err
    assert "started 4 processes" in first.err
    as_rank(3, launcher, monkeypatch)
    waited: list[float] = []
    monkeypatch.setattr(one_device.time, "sleep", waited.append)
    other = ask(*command)
    assert waited == [one_device.FIRST_REPORTS], "or the launcher might stop the first before"
    assert (other.status, other.out, other.err) == (2, "", "")


def test_what_trains_nothing_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    as_rank(1, LAUNCHERS[0], monkeypatch)
    assert ask("check", "specs/quickstart.yaml").status == 0
    assert ask("plan", "specs/quickstart.yaml", "--no-trace").status == 0


@pytest.mark.parametrize(
    "alone",
    [
        {"WORLD_SIZE": "1", "RANK": "0"},
        {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script, which srun has not started
        {"WORLD_SIZE": "many"},
    ],
)
def test_one_process_is_not_refused(alone: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    as_rank(0, alone, monkeypatch)
    assert "uses one device" not in ask("eval", "no-such-run").err


@pytest.mark.slow
def test_torchrun_ends_with_one_error_and_no_traceback() -> None:
    command = ["torch.distributed.run", "--nproc-per-node=2", "-m", "eqspec", "run", "quickstart"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # noqa: TID251 - of the child
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.count("uses a single device") == 1
    assert "eqspec/cli" not in done.stderr
