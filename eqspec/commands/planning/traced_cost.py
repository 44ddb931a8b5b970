"""Cost of a plan, traced once and stored: tracing imports torch and takes seconds.

A trace is stored in a cache folder under a hash of its inputs: the graph, the optimizer, the number
of micro-batches, eqspec's own sources, plugins, and the versions of torch and its libraries. An
entry that is damaged or belongs to other inputs is traced again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import eqspec
from eqspec.build.cost.cached import Trace
from eqspec.compile.identity import hashed
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError
from eqspec.regular_files import content_of
from eqspec.runs.artifacts import canonical_json, write_text
from eqspec.runs.environment import package_versions, source_digest


class _Entry(BaseModel):
    """A file of the cache.

    Attributes:
        key: of its trace.
        sha256: of the trace.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    sha256: str
    trace: Trace


def traced(plan: Plan, *, cache: Path | None) -> Trace:
    """Return the cost of a plan.

    Args:
        cache: folder of stored traces; None stores none. One that cannot be written is ignored.
    """
    if cache is None:
        return _trace(plan)
    key = _key(plan)
    path = cache / "traces" / f"{key}.json"
    kept = _kept(path, key=key)
    if kept is not None:
        return kept
    found = _trace(plan)
    entry = _Entry(key=key, sha256=_digest(found), trace=found)
    with suppress(EqspecError):
        write_text(path, text=canonical_json(entry.model_dump(mode="json")), durable=False)
    return found


def _trace(plan: Plan) -> Trace:
    from eqspec.build.cost.trace import trace

    return trace(plan)


def _key(plan: Plan) -> str:
    """Return a hash of all inputs of a trace."""
    content = plan.model_dump(mode="json", by_alias=True)
    return hashed(
        {
            "graph": content["graph"],
            "train": content["train"],
            "micro_batches": plan.machine.micro_batches,
            "source": source_digest(Path(eqspec.__file__).parent),
            "packages": {**package_versions()},
            "ops": [[made.family, made.name, made.sha256] for made in plan.provenance],
        }
    )


def _kept(path: Path, *, key: str) -> Trace | None:
    """Return the trace of an entry; None if there is none, or if it is damaged."""
    try:
        entry = _Entry.model_validate_json(content_of(path))
        whole = entry.key == key and entry.sha256 == _digest(entry.trace)
    except (OSError, ValidationError, ValueError):
        return None
    return entry.trace if whole else None


def _digest(trace: Trace) -> str:
    text = json.dumps(dataclasses.asdict(trace), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
