"""Compilation during a training: how often, how long, why again, and whether its result is right.

Torch compiles in the middle of a step and reports nothing. `watch_compilation` counts what it
compiles; `compare_with_eager` compares the first step's compiled loss with the uncompiled one.
Importing this module imports torch's compiler, which takes a second.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch._dynamo.callback import CallbackArgs, CallbackTrigger, callback_handler
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException
from torch._dynamo.utils import get_compilation_metrics
from torch._inductor.codecache import PyCodeCache, get_hash
from torch._inductor.exc import CppCompileError, InvalidCxxCompiler
from torch._inductor.runtime.cache_dir_utils import cache_dir

from eqspec.engine.backward import forward
from eqspec.engine.events import Agreed, Compilation
from eqspec.engine.precision import precision_of
from eqspec.errors import EqspecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eqspec.build.program import Program

TOLERANCES = (("fp32", 1e-3), ("bf16", 5e-2))
"""Relative difference up to which a compiled term agrees with the eager one, by precision."""

SMALL = 1e-2
"""Smallest value that a difference is relative to: smaller terms are rounding noise of sums."""

_FAILED = (TorchDynamoException, FailOnRecompileLimitHit, CppCompileError, InvalidCxxCompiler)

UNCOMPILED = (
    "train without compiling, with the same numbers up to rounding: --set machine.compile=off"
)


@contextmanager
def watch_compilation() -> Generator[Watch]:
    """Count the compilations inside the `with` block, and explain one that fails.

    Raises:
        EqspecError: torch cannot compile.
    """
    watch = Watch()
    with ExitStack() as stack:
        callback_handler.register_start_callback(watch.begin)
        stack.callback(callback_handler.remove_start_callback, watch.begin)
        callback_handler.register_end_callback(watch.end)
        stack.callback(callback_handler.remove_end_callback, watch.end)
        stack.enter_context(_without_cuda_notice())
        try:
            yield watch
        except _FAILED as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = " ".join(lines[:2])  # the first may only name the backend
            message = f"torch.compile failed: {type(error).__name__}: {reason}"
            raise EqspecError(message, help=UNCOMPILED) from error


@contextmanager
def _without_cuda_notice() -> Generator[None]:
    """Drop one log record of torch: that CUDA's compiler is installed, but no device.

    Torch looks for CUDA when it first compiles C++ code, even for the CPU.
    """

    def other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No CUDA runtime is found")

    logger = logging.getLogger("torch.utils.cpp_extension")
    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)


class Watch:
    """Record of the compilations since the last query; created by `watch_compilation`."""

    def __init__(self) -> None:
        self._began = 0.0
        self._seconds = 0.0
        self._forms = 0
        self._since = _now_us()

    def taken(self) -> Compilation | None:
        """Return the compilations since the last call; None if there were none.

        The backward of a variant is compiled when it is first needed, often a step later: then its
        seconds count, but no variant.
        """
        if not self._forms and not self._seconds:
            return None
        found = Compilation(seconds=self._seconds, forms=self._forms, reasons=_reasons(self._since))
        self._seconds, self._forms, self._since = 0.0, 0, _now_us()
        return found

    def begin(self, _: CallbackArgs) -> None:
        """Note that a compilation begins; called by torch."""
        self._began = time.perf_counter()

    def end(self, args: CallbackArgs) -> None:
        """Note that a compilation has ended; called by torch."""
        self._seconds += time.perf_counter() - self._began
        self._forms += args.callback_trigger is CallbackTrigger.DYNAMO


def _now_us() -> int:
    return time.time_ns() // 1000


def _reasons(since: int) -> tuple[str, ...]:
    """Return why torch could not use an existing variant, one line each."""
    recent = (m for m in get_compilation_metrics() if (m.start_time_us or 0) >= since)
    lines = (m.recompile_reason.splitlines()[0] for m in recent if m.recompile_reason)
    return tuple(dict.fromkeys(lines))


def compare_with_eager(program: Program, streams: Mapping[str, Tensor], *, step: int) -> Agreed:
    """Compare the loss of one batch, compiled and not, without changing the program's state.

    Args:
        step: steps done.

    Raises:
        EqspecError: a term differs by more than its tolerance.
    """
    with torch.compiler.set_stance("force_eager"):
        eager = _losses(program, streams, step=step)
    compiled = _compiled_losses(program, streams, step=step)
    tolerance = dict(TOLERANCES)[program.plan.train.precision]
    gaps = {name: _gap(value, compiled[name]) for name, value in eager.items()}
    worst = max(gaps, key=lambda name: gaps[name])
    if gaps[worst] > tolerance:
        message = (
            f"compiled and uncompiled disagree at step {step + 1}: the term `{worst}` is "
            f"{compiled[worst]:.6g} and {eager[worst]:.6g}, further apart than {tolerance:g}"
        )
        raise EqspecError(message, help=UNCOMPILED)
    return Agreed(step=step, term=worst, gap=gaps[worst], tolerance=tolerance)


def _compiled_losses(
    program: Program, streams: Mapping[str, Tensor], *, step: int
) -> dict[str, float]:
    """Return the losses of a compiled program; compile again if torch's cache is damaged."""
    try:
        return _losses(program, streams, step=step)
    except _FAILED:
        if not remove_damaged(Path(cache_dir())):
            raise
    PyCodeCache.cache_clear()  # a truncated module may be imported already
    return _losses(program, streams, step=step)


def remove_damaged(cache: Path) -> int:
    """Remove truncated modules from torch's cache; return how many there were.

    A module is named by the hash of its text. Torch loads any file of that name, and compiles again
    what is missing.
    """
    texts = {path: path.read_bytes().decode(errors="replace") for path in cache.glob("*/*.py")}
    damaged = [path for path, text in texts.items() if get_hash(text.strip()) != path.stem]
    for path in damaged:
        path.unlink(missing_ok=True)
    return len(damaged)


def _gap(eager: float, compiled: float) -> float:
    if eager == compiled or (math.isnan(eager) and math.isnan(compiled)):
        return 0.0  # the step itself refuses a loss that is not finite
    gap = abs(eager - compiled) / max(abs(eager), SMALL)
    return math.inf if math.isnan(gap) else gap


def _losses(program: Program, streams: Mapping[str, Tensor], *, step: int) -> dict[str, float]:
    graph = program.graph
    graph.train()
    with _unmoved(graph), precision_of(program):
        found = forward(
            graph,
            streams,
            program.controls(step),
            micro_batches=program.plan.machine.micro_batches,
        )
        return {
            n: float(program.strategy.world.mean(v.detach())) for n, v in found.loss.terms.items()
        }


@contextmanager
def _unmoved(graph: nn.Module) -> Generator[None]:
    """Restore running statistics and centres, which a forward changes."""
    before = [(buffer, buffer.clone()) for buffer in graph.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
