"""A contestant in a process of its own: its memory is its own, and its settings of torch too."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.speed.case import Facts, Setting
from benchmarks.speed.discover import load_case
from benchmarks.speed.settle import settle

_CONTEXT = multiprocessing.get_context("spawn")
_KIB = 1024


class ContestantFailed(Exception):
    """A contestant could not be prepared, or failed in a turn; the message is the last line."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a contestant.

    Attributes:
        seconds: until its work and that of its child processes were done.
    """

    seconds: float
    facts: Facts = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Usage:
    """Peak memory of a contestant, in bytes: of its main process, and of the GPU."""

    memory: int
    device_memory: int


class Process:
    """A contestant's process; `ready`, then `turn` as often as wanted, then `close`."""

    def __init__(self, case: str, contestant: str, *, setting: Setting, warm_up: int) -> None:
        """Start the process.

        Args:
            case: its id.
            contestant: its name.
            warm_up: turns that are part of the preparation.
        """
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve,
            args=(theirs, case, contestant),
            kwargs={"setting": setting, "warm_up": warm_up},
            daemon=False,
        )
        self._process.start()
        theirs.close()

    def ready(self) -> Facts:
        """Wait until the contestant is prepared; return its constant facts."""
        return self._answer()

    def turn(self) -> Turn:
        """Let it work for one turn."""
        self._pipe.send("turn")
        return self._answer()

    def usage(self) -> Usage:
        """Return its peak memory so far."""
        self._pipe.send("usage")
        return self._answer()

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _answer(self):  # noqa: ANN202 - whatever was asked for
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise ContestantFailed("its process ended") from None
        if isinstance(answer, _Failure):
            raise ContestantFailed(answer.message)
        return answer


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str


def _serve(pipe: Connection, case: str, contestant: str, *, setting: Setting, warm_up: int) -> None:
    """Prepare a contestant and answer requests until the pipe is closed."""
    try:
        work = load_case(case).contestant(contestant).prepare(setting)
        wait = _device_wait(setting.device)
        for _ in range(warm_up):
            timed(work.turn, wait)
        pipe.send(work.facts)
        while True:
            pipe.send(timed(work.turn, wait) if pipe.recv() == "turn" else _usage(setting.device))
    except (EOFError, BrokenPipeError):
        return
    except BaseException as error:  # noqa: BLE001 - any failure is reported
        traceback.print_exc()
        pipe.send(_Failure(f"{type(error).__name__}: {error}".splitlines()[0]))


def timed(turn: Callable[[], Facts], wait: Callable[[], None]) -> Turn:
    """Measure one turn, until the device and all child processes are done with it."""
    began = time.perf_counter()
    facts = turn()
    wait()
    ended = time.perf_counter()
    seconds = max(ended, settle(os.getpid())) - began
    others = {name: value for name, value in facts.items() if name != "seconds"}
    return Turn(seconds=facts.get("seconds", seconds), facts=others)


def _device_wait(device: str) -> Callable[[], None]:
    if device != "cuda":
        return lambda: None
    import torch

    return torch.cuda.synchronize


def _usage(device: str) -> Usage:
    on_device = 0
    if device == "cuda":
        import torch

        on_device = torch.cuda.max_memory_allocated()
    try:
        status = Path("/proc/self/status").read_text()
        peak = next(s.split()[1] for s in status.splitlines() if s.startswith("VmHWM"))
    except (OSError, StopIteration):
        peak = str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return Usage(memory=int(peak) * _KIB, device_memory=on_device)
