from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from eqspec.errors import EqspecError
from eqspec.runs import live
from eqspec.runs.live import Heartbeat, hold, last_heartbeat, writer

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from eqspec.runs.live import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    with _holder(tmp_path) as other:
        sign = writer(tmp_path)
        assert sign is not None
        assert sign.pid == other.pid
        with pytest.raises(EqspecError, match=f"in use: process {other.pid} on "), hold(tmp_path):
            pass
        other.communicate()
    with hold(tmp_path):
        pass


def test_the_hold_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    with _holder(tmp_path) as other:
        other.kill()
        other.communicate()
    assert last_heartbeat(tmp_path) is not None
    assert writer(tmp_path) is None
    with hold(tmp_path):
        assert writer(tmp_path) is not None
    assert last_heartbeat(tmp_path) is None


def test_a_holder_that_has_given_no_sign_yet_is_another_process(tmp_path: Path) -> None:
    with hold(tmp_path):
        (tmp_path / ".live" / "heartbeat.json").unlink()
        with pytest.raises(EqspecError, match="another process is writing to it"), hold(tmp_path):
            pass


def test_a_folder_is_free_again_when_the_body_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), hold(tmp_path):
        raise KeyboardInterrupt
    with hold(tmp_path):
        pass


def test_holding_removes_what_killed_writes_left(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".step-00000001.safetensors.77.tmp").touch()
    with hold(tmp_path):
        assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_beat_says_the_step_but_not_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold(tmp_path) as ours:
        ours.beat(step=1)
        early = last_heartbeat(tmp_path)
        monkeypatch.setattr(live, "_EVERY_S", 0.0)
        ours._due = 0.0
        ours.beat(step=2)
        late = last_heartbeat(tmp_path)
    assert early is not None
    assert late is not None
    assert (early.step, late.step) == (None, 2)


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EqspecError, match="cannot write"), hold(tmp_path / "file" / "run"):
        pass


def test_signs_are_judged_by_pid_here_and_by_age_elsewhere(tmp_path: Path) -> None:
    with hold(tmp_path):
        mine = writer(tmp_path)
    assert mine is not None
    now = mine.time
    assert not mine.model_copy(update={"born": "1"}).is_alive(now=now), "a reused pid"
    assert not mine.model_copy(update={"pid": 2**22 + 1}).is_alive(now=now), "no such process"
    away = mine.model_copy(update={"host": "elsewhere"})
    assert away.is_alive(now=now + timedelta(minutes=9))
    assert not away.is_alive(now=now + timedelta(minutes=11))


def test_where_proc_does_not_tell_there_is_no_start() -> None:
    assert live._born(2**22 + 1) is None
    assert live._born(os.getpid()) is not None


def test_a_process_of_another_user_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", not_ours)
    assert live._exists(1)


def test_a_damaged_heartbeat_is_no_sign_of_life(tmp_path: Path) -> None:
    (tmp_path / ".live").mkdir()
    (tmp_path / ".live" / "heartbeat.json").write_text('{"pid": 1')
    assert last_heartbeat(tmp_path) is None
    assert writer(tmp_path) is None


def test_a_heartbeat_reads_back() -> None:
    sign = Heartbeat(pid=1, host="a", born=None, time=datetime.now(UTC), step=4)
    assert Heartbeat.model_validate_json(sign.model_dump_json()) == sign
