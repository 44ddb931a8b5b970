"""Run folders as strangers could send them: a table of what they do to which file.

Each is laid over a run that is whole, beside another one that is left as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eqspec.runs.environment import Environment
from eqspec.runs.folder import Identity, Opening, RunFolder, place
from eqspec.runs.journal import Journal
from eqspec.runs.record import Outcome, Status
from eqspec.spec.dump import write_yaml
from tests.toys import PATH, load_toy, plan_of, toy_text

Harm = Callable[[Path], None]
"""Does harm to a run folder; `../../../victim` and what lies in it belongs to somebody else."""

EXTRA = "evaluate: [{use: r2_small, at: end}]\n"


def whole_run(root: Path, *, name: str) -> Path:
    """A sealed run folder with a plan, a journal and a result; made without torch."""
    plan = plan_of(load_toy("vicreg", equivariance=PATH, extra=EXTRA))
    data = plan.model_dump(mode="json", by_alias=True) | {"name": name}
    path = place(root, identity=Identity.model_validate(data))
    text = toy_text("vicreg", equivariance=PATH, extra=EXTRA)
    opening = Opening(
        spec=text,
        resolved=write_yaml(plan.resolved),
        plan=data,
        trace={"parameters": 12},
        environment=_environment(),
    )
    folder = RunFolder.create(path, opening=opening)
    with folder.hold():
        with Journal(folder.metrics) as metrics:
            metrics.write(1, name="train", values={"loss": 2.5})
            metrics.write(2, name="train", values={"loss": 2.25})
        folder.log.write_text("2026-01-01 00:00:00  opened\n")
        folder.evaluations.mkdir()
        (id_,) = (evaluation.id for evaluation in plan.evaluations)
        result = {"metrics": [{"name": "r2", "value": 0.5}], "facts": {"rev": 1}}
        (folder.evaluations / f"{id_}.step-2.json").write_text(json.dumps(result))
        folder.seal(Outcome(status=Status.FINISHED, step=2))
    return path


def _environment() -> Environment:
    return Environment(
        python="3.11.0",
        platform="Linux",
        host="somewhere",
        cpu="a processor",
        cores=2,
        usable_cores=2,
        memory=2**33,
        accelerators=(),
        packages={},
        checkout=None,
        decoder="pillow",
        threads=1,
    )


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
_ROW = b'{"step":3,"name":"train","values":{"loss":%s}}\n'

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
        for name in ("evaluations", "figures", ".live")
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

STATUSES: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "plan.json-fifo": (2, 2, 2, 2),  # there is no run, then
        "plan.json-device": (2, 2, 2, 2),
        "plan.json-loop": (2, 2, 2, 2),
        "plan.json-folder": (2, 2, 2, 2),
        "plan.json-": (3, 3, 3, 3),
        "record.json-loop": (0, 3, 0, 0),  # as if it were not sealed
        "record.json-": (3, 3, 3, 0),
        "record.sha256-": (0, 3, 0, 0),
        "environment.json-": (3, 3, 3, 0),
        "metrics.jsonl-loop": (0, 3, 0, 0),
        "metrics.jsonl-": (3, 3, 3, 0),
        "spec.yaml-": (0, 3, 3, 0),
        "resolved.yaml-": (0, 3, 3, 0),
        "log.txt-": (0, 3, 0, 0),
        "stranger.bin-folder": (0, 0, 0, 0),
        "stranger.bin-": (0, 3, 0, 0),
        "result-": (3, 3, 3, 0),
        "evaluations-folder-link": (3, 3, 3, 0),
        "figures-folder-link": (3, 3, 3, 0),
        ".live-folder-link": (3, 3, 3, 0),
        "heartbeat-": (0, 0, 0, 0),
        "metrics-": (0, 3, 0, 0),
        "plan-origins": (0, 3, 0, 3),
        "plan-resolved": (0, 3, 0, 3),
        "plan-": (3, 3, 3, 3),
        "record-reason": (0, 3, 0, 0),
    }
)
"""How a harm's name begins → exit statuses of `show`, `audit`, `diff` and `explain`."""


def statuses_of(harm: str) -> tuple[int, int, int, int]:
    """The exit statuses that a harm is met with."""
    return next(found for begin, found in STATUSES.items() if harm.startswith(begin))
