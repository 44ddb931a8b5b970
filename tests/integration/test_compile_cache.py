"""A compile cache that was cut off, by a kill or a full disk, is mended by the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toy_specs import toy_text

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 16, width: 8, depth: 1, heads: 1}}"
)


@pytest.mark.slow
def test_a_cache_that_was_cut_off_is_mended(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    spec = tmp_path / "toy.yaml"
    spec.write_text(toy_text("vicreg", backbone=BACKBONE) + 'machine: {compile: "on"}\n')
    argv = ("run", str(spec), "--runs", str(tmp_path / "runs"), "--steps", "1")
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache)}  # noqa: TID251 - a child's

    def run(seed: int) -> None:
        command = [sys.executable, "-m", "eqspec", *argv, "--set", f"seed={seed}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    run(0)
    modules = list(cache.glob("*/*.py"))
    assert modules
    whole = {path: path.read_bytes() for path in modules}
    for at, (path, text) in enumerate(whole.items()):
        path.write_bytes(text[: len(text) // 2] if at % 2 else b"")
    run(1)
    assert {path: path.read_bytes() for path in modules} == whole
