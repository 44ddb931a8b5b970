"""The first training step of a process, with blocks compiled one by one or the whole model at once.

    python -m benchmarks.speed.work.first_step SPEC DATA blocks|whole

Prints its seconds; the compiler's cache is where `TORCHINDUCTOR_CACHE_DIR` says.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.work.training import program_of


def main(arguments: Sequence[str]) -> None:
    """Take the step."""
    from eqspec.build.program import compile_graph
    from eqspec.engine.backward import backward
    from eqspec.engine.precision import precision_of

    spec, data, mode = arguments
    program = program_of(Path(spec), data=Path(data))
    streams = program.streams(next(program.batches(0, 1)))
    controls = program.controls(0)
    program.graph.train()
    if mode == "blocks":
        compile_graph(program.graph)
    else:
        program.graph.encode.compile()
        program.graph.loss.compile()
    began = time.perf_counter()
    with precision_of(program):
        done = backward(program.graph, streams, controls)
    program.optimizer.step()
    float(done.loss.total.detach())
    sys.stdout.write(f"{time.perf_counter() - began}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
