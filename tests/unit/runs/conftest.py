"""What the tests of run folders share: something to make one from, and a disk that is full."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eqspec.runs.environment import Environment
from eqspec.runs.folder import Opening, RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

RECIPE = "7f3a9c21" + "0" * 56


@pytest.fixture
def environment() -> Environment:
    return Environment(
        python="3.11.0",
        platform="Linux",
        host="somewhere",
        cpu="a processor",
        cores=2,
        usable_cores=2,
        memory=2**33,
        accelerators=(),
        packages={"torch": "2.9.0"},
        checkout=None,
        decoder="pillow 11.0.0, libjpeg-turbo 3.0",
        threads=1,
    )


@pytest.fixture
def opening(environment: Environment) -> Callable[..., Opening]:
    """Makes an opening; what a test is about is given by name."""

    def make(*, name: str = "tiny", recipe: str = RECIPE, seed: int = 0) -> Opening:
        plan = {"name": name, "recipe": recipe, "seed": seed, "train": {"steps": 10, "batch": 4}}
        return Opening(
            spec=f"# {name}\nschema: 1\n",
            resolved="schema: 1\nseed: 0\n",
            plan=plan,
            trace={"parameters": 12},
            environment=environment,
        )

    return make


@pytest.fixture
def folder(tmp_path: Path, opening: Callable[..., Opening]) -> RunFolder:
    return RunFolder.create(tmp_path / "runs" / "tiny" / "7f3a9c21-s0", opening=opening())


@pytest.fixture
def no_file_over() -> Callable[[int], AbstractContextManager[None]]:
    """Lets no file of this process grow beyond a size: writes then fail as on a full disk."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
