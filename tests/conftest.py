"""Settings of all tests: hypothesis profiles, and no draws from the global generator.

The environment is read here and nowhere else in the tests: `HYPOTHESIS_PROFILE` names a profile,
`CI` means `ci`; otherwise it is `dev`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# No deadlines: torch's first call is slow, and so is a machine that others share.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", PATIENT, max_examples=50)
settings.register_profile("ci", PATIENT, max_examples=200, derandomize=True, print_blob=True)
settings.register_profile("deep", PATIENT, max_examples=2000)

ENVIRONMENT = os.environ  # noqa: TID251 - the one place where tests read it
# Tests must not depend on the settings or dataset folders of this machine,
ENVIRONMENT["XDG_CONFIG_HOME"] = str(Path(__file__).parent / "no-settings")
# nor on cached traces,
ENVIRONMENT["EQSPEC_CACHE"] = "off"
# nor on downloaded weights: caches are empty, and the hub is offline,
ENVIRONMENT["HF_HUB_CACHE"] = ENVIRONMENT["TORCH_HOME"] = str(Path(__file__).parent / "no-weights")
ENVIRONMENT["HF_HUB_OFFLINE"] = "1"
# nor on the width of the terminal: a test that needs a width sets it.
ENVIRONMENT.pop("COLUMNS", None)
for _name in [name for name in ENVIRONMENT if name.startswith("EQSPEC_DATA_")]:
    del ENVIRONMENT[_name]
settings.load_profile(ENVIRONMENT.get("HYPOTHESIS_PROFILE", "ci" if "CI" in ENVIRONMENT else "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes what tests/golden compares with; its diff is reviewed like code.

    `--require-recorded` is for `make test`, see tests/recorded.py;
    the others are for `make torture`, see tests/torture/conftest.py.
    """
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files")
    parser.addoption(
        "--require-recorded", action="store_true", help="fail where a new card or op is skipped"
    )
    parser.addoption("--torture-into", metavar="FOLDER", help="write down what was tried and held")
    parser.addoption("--torture-every", type=int, default=1, help="try every n-th case only")


@pytest.fixture(autouse=True)
def _global_generator_is_left_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing seeds torch's global generator, and a whole run does not even draw from it.

    A module that is built on the CPU fills itself from the global generator before eqspec
    initialises it, so outside tests/integration draws are allowed. A test that has to seed does it
    inside `torch.random.fork_rng`.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    seed, state = torch.initial_seed(), torch.get_rng_state()
    yield
    assert torch.initial_seed() == seed, "the global generator was seeded"
    if "integration" in request.path.parts:
        assert torch.equal(torch.get_rng_state(), state), "the global generator was drawn from"
