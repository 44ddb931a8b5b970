"""Malicious run folders: a table of changes to files of a valid run.

Each is done to a run that is whole, beside another one that is left as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

Harm = Callable[[Path], None]
"""Does harm to a run folder; `../../../victim` and what lies in it belongs to somebody else."""

# --- what can stand in the place of a file


def _fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _link(path: Path, *, to: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def _link_to_victim(path: Path) -> None:
    _link(path, to=str(victim_of(path) / "file.txt"))


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def victim_of(path: Path) -> Path:
    """The folder of somebody else, beside that of all runs."""
    while path.name != "runs":
        path = path.parent
    return path.parent / "victim"


_INSTEAD: Mapping[str, Harm] = MappingProxyType(
    {
        "fifo": _fifo,
        "device": partial(_link, to="/dev/zero"),
        "loop": lambda path: _link(path, to=path.name),
        "link": _link_to_victim,
        "folder": _folder,
    }
)

_TEXTS: Mapping[str, bytes] = MappingProxyType(
    {
        "empty": b"",
        "bytes": b"\xff\xfe\x00",
        "list": b"[]\n",
        "null": b"null\n",
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "deep-object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        "digits": b'{"step": ' + b"9" * 400 + b"}",
        "many-digits": b'{"step": ' + b"9" * 20_000 + b"}",
        "nan": b'{"step": NaN}',
    }
)


def _set(path: Path, changes: Mapping[str, Any]) -> None:
    """Sets values in a JSON file by dotted path."""
    data = json.loads(path.read_text())
    for dotted, value in changes.items():
        *above, last = dotted.split(".")
        at = data
        for key in above:
            at = at[int(key) if key.isdecimal() else key]
        at[int(last) if last.isdecimal() else last] = value
    path.write_text(json.dumps(data))


def _beat(path: Path, *, text: str) -> None:
    live = path / ".live"
    live.mkdir(exist_ok=True)
    (live / "heartbeat.json").write_text(text)


def _sign(**changes: Any) -> str:
    sign = {"pid": 1, "host": "other", "born": None, "time": "2020-01-01T00:00:00Z", "step": 1}
    return json.dumps(sign | changes)


def _in_plan(path: Path, changes: Mapping[str, Any]) -> None:
    _set(path / "plan.json", changes)


def _append(path: Path, *, name: str, data: bytes) -> None:
    with (path / name).open("ab") as file:
        file.write(data)


def _linked_folder(path: Path, *, name: str) -> None:
    inside = path / name
    if inside.is_dir():
        for file in inside.iterdir():
            file.unlink()
        inside.rmdir()
    inside.symlink_to(victim_of(path))


def _result_of(path: Path) -> Path:
    (found,) = (path / "evaluations").glob("*.json")
    return found


def _at(path: Path, *, name: str, harm: Harm) -> None:
    harm(path / name)


def _writes(path: Path, *, name: str, data: bytes) -> None:
    (path / name).write_bytes(data)


def _to_result(path: Path, *, harm: Harm) -> None:
    harm(_result_of(path))


def _as_result(path: Path, *, data: bytes) -> None:
    _result_of(path).write_bytes(data)


def _in_record(path: Path, *, changes: Mapping[str, Any]) -> None:
    _set(path / "record.json", changes)


_FILES = (
    "plan.json",
    "record.json",
    "record.sha256",
    "environment.json",
    "metrics.jsonl",
    "spec.yaml",
    "resolved.yaml",
    "log.txt",
    "stranger.bin",
)
_JSON = ("plan.json", "record.json", "environment.json")
_ROW = b'{"step":5,"name":"train","values":{"loss":%s}}\n'

_MOVING = "\x1b]0;x\x07\u202e\n[bold]x"

_OF_FILES: Mapping[str, Harm] = {
    **{
        f"{name}-{kind}": partial(_at, name=name, harm=harm)
        for name in _FILES
        for kind, harm in _INSTEAD.items()
    },
    **{
        f"{name}-{kind}": partial(_writes, name=name, data=data)
        for name in _JSON
        for kind, data in _TEXTS.items()
    },
    **{f"result-{kind}": partial(_to_result, harm=harm) for kind, harm in _INSTEAD.items()},
    **{f"result-{kind}": partial(_as_result, data=data) for kind, data in _TEXTS.items()},
    **{
        f"{name}-folder-link": partial(_linked_folder, name=name)
        for name in ("evaluations", "figures", "data", ".live")
    },
}

_OF_HEARTBEATS: Mapping[str, Harm] = {
    **{
        f"heartbeat-{kind}": partial(_beat, text=data.decode("latin-1"))
        for kind, data in _TEXTS.items()
    },
    "heartbeat-naive": partial(_beat, text=_sign(time="2020-01-01T00:00:00")),
    "heartbeat-pid": partial(_beat, text=_sign(pid=99999999999999999999)),
    "heartbeat-pid-31-bits": partial(_beat, text=_sign(pid=2**31)),
    "heartbeat-everybody": partial(_beat, text=_sign(pid=-1)),
    "heartbeat-of-the-future": partial(_beat, text=_sign(time="9999-12-31T23:59:59Z")),
}

_OF_CONTENT: Mapping[str, Harm] = {
    "metrics-deep": partial(_append, name="metrics.jsonl", data=b"[" * 100_000 + b"\n"),
    "metrics-digits": partial(_append, name="metrics.jsonl", data=_ROW % (b"9" * 400)),
    "metrics-infinite": partial(_append, name="metrics.jsonl", data=_ROW % b"1e999"),
    "metrics-long": partial(_append, name="metrics.jsonl", data=b"x" * 3_000_000),
    "plan-name-leads-out": partial(_in_plan, changes={"name": "../../../victim/x"}),
    "plan-name-dots": partial(_in_plan, changes={"name": ".."}),
    "plan-recipe-leads-out": partial(_in_plan, changes={"recipe": "../../victim"}),
    "plan-evaluation-leads-out": partial(
        _in_plan, changes={"evaluations.0.id": "../../../victim/x"}
    ),
    "plan-keeps-nothing": partial(_in_plan, changes={"keep": {"last": 0, "every": -5}}),
    "plan-steps": partial(_in_plan, changes={"train.steps": -1}),
    "plan-origins": partial(_in_plan, changes={"origins": {"a.b[0].c": "spec"}}),
    "plan-resolved": partial(_in_plan, changes={"resolved": {"schema": [[]]}}),
    "record-reason": partial(_in_record, changes={"status": "failed", "reason": _MOVING}),
}

HARMS: Mapping[str, Harm] = MappingProxyType(_OF_FILES | _OF_HEARTBEATS | _OF_CONTENT)
"""Name → what it does to a run folder."""
