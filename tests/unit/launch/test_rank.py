"""Tests that a process finds its rank in the variables of its launcher."""

from __future__ import annotations

import pytest

from eqspec.errors import UsageError
from eqspec.launch.rank import Rank, first_host, rank_of

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "n03",
    "MASTER_PORT": "29500",
}
SRUN = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "2",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_PROCID": "6",
    "SLURM_LOCALID": "2",
}


def test_of_torchrun() -> None:
    expected = Rank(5, 8, local=1, local_size=4, address="n03", port=29500, launcher="torchrun")
    assert rank_of(TORCHRUN) == expected
    assert str(expected) == "rank 5 of 8"
    assert not expected.main


def test_all_ranks_of_srun_find_the_same_address_and_port() -> None:
    found = [rank_of(SRUN | {"SLURM_PROCID": str(n)}) for n in range(8)]
    assert [one.index for one in found if one] == list(range(8))
    assert {(one.address, one.size, one.local_size) for one in found if one} == {("gpu07", 8, 4)}
    assert len({one.port for one in found if one}) == 1
    other = rank_of(SRUN | {"SLURM_STEP_ID": "3"})
    assert other is not None
    assert other.port != next(one.port for one in found if one), "steps may run side by side"


def test_an_address_that_is_set_wins() -> None:
    found = rank_of(SRUN | {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "4321"})
    assert found is not None
    assert (found.address, found.port) == ("10.0.0.1", 4321)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WORLD_SIZE": "1", "RANK": "0"},
        {"WORLD_SIZE": "8"},  # left over in a shell
        {"WORLD_SIZE": "many", "RANK": "0"},
        {"WORLD_SIZE": "٣", "RANK": "0"},
        {"WORLD_SIZE": "9" * 400, "RANK": "0"},
        {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script, which srun has not started
    ],
)
def test_one_process_has_no_rank(environment: dict[str, str]) -> None:
    assert rank_of(environment) is None


def test_what_cannot_be_connected_is_refused() -> None:
    with pytest.raises(UsageError, match="mpirun started 4 processes"):
        rank_of({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1"})
    with pytest.raises(UsageError, match="MASTER_PORT are not set"):
        rank_of(TORCHRUN | {"MASTER_PORT": "", "MASTER_ADDR": ""})


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("localhost", "localhost"),
        ("n1,n2", "n1"),
        ("n[03-05,9],m1", "n03"),
        ("n[7]", "n7"),
        ("rack1-n[12,14]-ib", "rack1-n12-ib"),
    ],
)
def test_first_host(nodes: str, first: str) -> None:
    assert first_host(nodes) == first
