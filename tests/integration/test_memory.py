"""The memory that a plan states is what a process takes: measured, not believed.

A process of its own trains twice: the first training brings torch's own memory, with the kernels
that oneDNN generates for each shape; the second is measured. glibc's allocator is told to return
every larger piece at once (`MALLOC_MMAP_THRESHOLD_`); by itself it keeps more than is alive, which
the plan states beside it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eqspec.build.cost.trace import trace
from eqspec.build.program import build_program
from eqspec.compile.types.plan import Plan
from eqspec.engine.train import train
from eqspec.spec.load import parse_spec
from tests.conftest import ENVIRONMENT
from tests.fakes import FakeImages
from tests.toy_specs import PATH, plan_of, toy_text

STATUS = Path("/proc/self/status")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not STATUS.exists(), reason="memory of a process is read from /proc"),
]


def vit(*, patch: int, width: int, depth: int) -> str:
    return (
        "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
        f"params: {{patch: {patch}, width: {width}, depth: {depth}, heads: 3}}}}"
    )


RESNET = "{card: backbone, rev: 1, about: A toy ResNet., impl: resnet, params: {depth: 18}}"
SPECS: dict[str, dict[str, Any]] = {
    "path": {
        "method": "vicreg",
        "equivariance": PATH,
        "backbone": vit(patch=4, width=48, depth=4),
        "batch": 64,
    },
    "transformer": {
        "method": "vicreg",
        "backbone": vit(patch=8, width=192, depth=4),
        "image": 64,
        "batch": 16,
    },
    "small crops": {
        "method": "ibot",
        "backbone": vit(patch=8, width=96, depth=4),
        "image": 64,
        "batch": 16,
    },
    "resnet": {"method": "simclr", "backbone": RESNET, "image": 64, "batch": 16},
    "pieces": {
        "method": "vicreg",
        "backbone": vit(patch=8, width=192, depth=4),
        "image": 64,
        "batch": 32,
        "micro_batches": 2,
    },
}


def planned(
    method: str, *, precision: str = "fp32", micro_batches: int = 1, **options: Any
) -> Plan:
    extra = f'machine: {{compile: "off", micro_batches: {micro_batches}}}'
    text = toy_text(method, extra=extra, **options)
    plan = plan_of(parse_spec(text, path=Path("memory.yaml")))
    training = plan.train.model_copy(update={"precision": precision})
    return plan.model_copy(update={"train": training})


def measured(name: str, precision: str) -> dict[str, float]:
    """Bytes by which this process grows while it trains, and what the plan says; in a process."""
    images = FakeImages(989)
    plan = planned(**SPECS[name], precision=precision)
    estimate = trace(plan).memory.peak(plan.train.batch, micro_batches=plan.machine.micro_batches)
    for _ in train(build_program(plan, dataset=images), until=1):
        pass
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = resident("VmRSS")
    for _ in train(build_program(plan, dataset=images), until=2):
        pass
    return {"planned": estimate, "measured": resident("VmHWM") - before}


def resident(what: str) -> int:
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith(what))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", SPECS)
def test_a_step_takes_what_the_plan_says(name: str, precision: str) -> None:
    code = (
        "import json; from tests.integration.test_memory import measured; "
        f"print(json.dumps(measured({name!r}, {precision!r})))"
    )
    root = str(Path(__file__).parents[2])
    environment = {**ENVIRONMENT, "MALLOC_MMAP_THRESHOLD_": "65536", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"OMP_NUM_THREADS": "1"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["measured"] == pytest.approx(found["planned"], rel=0.15), found
