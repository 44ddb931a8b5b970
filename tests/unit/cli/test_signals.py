from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from eqspec.cli.signals import StopSignals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_the_second_one_stops(
    number: signal.Signals, status: int
) -> None:
    signals = StopSignals()
    with signals.caught():
        assert not signals.wanted
        signal.raise_signal(number)
        assert signals.wanted
        assert signals.exit_status == status
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_at_rest_the_first_signal_stops() -> None:
    signals = StopSignals()
    with signals.caught():
        signals.at_rest = True
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signals.exit_status == 143


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals().caught():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


ROOT = Path(__file__).parents[3]

INTERRUPTED = """
import os, runpy, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
        return None

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job begins without
sys.meta_path.insert(0, Interrupts())
runpy.run_module("eqspec", run_name="__main__")
"""
"""A process that is sent SIGINT just as it imports something."""


@pytest.mark.parametrize("module", ["eqspec.cli.main", "typer", "eqspec.cli.app", "rich.console"])
def test_an_interrupt_while_modules_are_imported_ends_with_one_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_the_command_is_the_process_that_can_be_interrupted() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"eqspec": "eqspec.__main__:main"}
