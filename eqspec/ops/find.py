"""Lookup of ops by family and name: a name exists because a file exists. Free of torch.

The files are those in eqspec/ops/, and those of installed packages (`eqspec.ops.plugins`). Each
lookup returns the file as its family's contract (`eqspec.ops.contract`).
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.contract.bind import bind
from eqspec.ops.contract.data import DatasetOp
from eqspec.ops.contract.draws import MaskOp, RelationOp, TransformOp
from eqspec.ops.contract.evaluation import EvaluationOp
from eqspec.ops.contract.graph import BackboneOp, DecoderOp, HeadOp, ModuleOp, TermOp
from eqspec.ops.contract.op import Op
from eqspec.ops.contract.training import OptimizerOp, ScheduleOp
from eqspec.ops.plugins import Plugin, load, plugins

_Contract = TypeVar("_Contract", bound=Op)

MODULES: Mapping[str, type[Any]] = MappingProxyType(
    {"backbones": BackboneOp, "heads": HeadOp, "decoders": DecoderOp}
)
"""Families of ops that are modules with parameters: subclasses of `ModuleOp`."""

CONTRACTS: Mapping[str, type[Any]] = MappingProxyType(
    {
        **MODULES,
        "terms": TermOp,
        "transforms": TransformOp,
        "relations": RelationOp,
        "masks": MaskOp,
        "datasets": DatasetOp,
        "optimizers": OptimizerOp,
        "schedules": ScheduleOp,
        "evaluations": EvaluationOp,
    }
)
"""Family (the folder under ``eqspec/ops/``) → what its ops declare, a subclass of `Op`."""

FAMILIES = tuple(CONTRACTS)


class UnknownOp(EqspecError):
    """No op of that name in the family; `help` names the nearest and lists what exists."""

    exit_status = 2

    def __init__(self, family: str, name: str, *, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        guess = f"did you mean `{near[0]}`? " if near else ""
        super().__init__(
            f"no op `{name}` in eqspec/ops/{family}/", help=f"{guess}there are: {', '.join(known)}"
        )


def op_names(family: str) -> tuple[str, ...]:
    """Return the names of all ops of a family, sorted.

    Raises:
        UsageError: a plugin takes the name of an op that ships with eqspec.
    """
    return tuple(sorted((*_own_names(family), *(p.name for p in _plugins_of(family)))))


def find_op(family: str, name: str) -> Op:
    """Return an op of any family, as what all ops declare.

    Raises:
        UnknownOp: there is no such file.
        ContractError: the file does not meet the contract of its family.
    """
    return _find(CONTRACTS.get(family, Op), family, name)


def find_module(family: str, name: str) -> ModuleOp:
    """Return a backbone, head or decoder; raise as `find_op`."""
    return _find(MODULES.get(family, ModuleOp), family, name)


def _lookup(contract: type[_Contract]) -> Callable[[str], _Contract]:
    """Return the lookup of one family's ops by name, which raises as `find_op`."""
    family = next(name for name, one in CONTRACTS.items() if one is contract)

    def find(name: str) -> _Contract:
        return _find(contract, family, name)

    return find


find_backbone = _lookup(BackboneOp)
find_head = _lookup(HeadOp)
find_decoder = _lookup(DecoderOp)
find_term = _lookup(TermOp)
find_transform = _lookup(TransformOp)
find_relation = _lookup(RelationOp)
find_mask = _lookup(MaskOp)
find_dataset = _lookup(DatasetOp)
find_optimizer = _lookup(OptimizerOp)
find_schedule = _lookup(ScheduleOp)
find_evaluation = _lookup(EvaluationOp)


def _find(contract: type[_Contract], family: str, name: str) -> _Contract:
    if name in _own_names(family):
        module, called = importlib.import_module(f"eqspec.ops.{family}.{name}"), ""
    else:
        module, called = _plugin_module(family, name)
    return bind(contract, module, name=called or f"eqspec/ops/{family}/{name}.py")


def _plugin_module(family: str, name: str) -> tuple[ModuleType, str]:
    """Return the module of an installed package, and its name in messages."""
    plugin = plugin_of(family, name)
    if plugin is None:
        raise UnknownOp(family, name, known=op_names(family))
    return load(plugin), str(plugin)


def plugin_of(family: str, name: str) -> Plugin | None:
    """Return the plugin that provides an op; None for one that ships with eqspec."""
    return next((p for p in _plugins_of(family) if p.name == name), None)


@cache
def _own_names(family: str) -> tuple[str, ...]:
    if family not in CONTRACTS:  # a saved plan may name anything
        return ()
    package = importlib.import_module(f"eqspec.ops.{family}")
    return tuple(m.name for m in pkgutil.iter_modules(package.__path__))


def _plugins_of(family: str) -> tuple[Plugin, ...]:
    """The plugins of a family."""
    found = tuple(p for p in plugins(FAMILIES) if p.family == family)
    own = _own_names(family) if found else ()
    for plugin in found:
        if plugin.name in own:
            raise UsageError(
                f"the package `{plugin.package}` provides an op `{family}.{plugin.name}`, which "
                "already exists in eqspec",
                help="a plugin cannot replace an op: rename the plugin's op, or uninstall it",
            )
    return found


def family_of(name: str, *, among: tuple[str, ...]) -> str:
    """Return the family, among those given, that contains an op.

    Raises:
        UnknownOp: no family contains it.
    """
    for family in among:
        if name in op_names(family):
            return family
    known = tuple(n for family in among for n in op_names(family))
    raise UnknownOp("|".join(among), name, known=known)


def op_sha256(family: str, name: str) -> str:
    """Return the hash of an op's source file."""
    return hashlib.sha256(find_op(family, name).file.read_bytes()).hexdigest()
