"""Lookup of ops by family and name: a name exists because a file exists. Free of torch.

The files are those in eqspec/ops/, and those of installed packages (`eqspec.ops.plugins`). Each
lookup returns the file as its family's contract (`eqspec.ops.contract`).
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Mapping
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


def find_backbone(name: str) -> BackboneOp:
    """Return a backbone; raise as `find_op`."""
    return _find(BackboneOp, "backbones", name)


def find_head(name: str) -> HeadOp:
    """Return a head; raise as `find_op`."""
    return _find(HeadOp, "heads", name)


def find_decoder(name: str) -> DecoderOp:
    """Return a decoder; raise as `find_op`."""
    return _find(DecoderOp, "decoders", name)


def find_term(name: str) -> TermOp:
    """Return a term; raise as `find_op`."""
    return _find(TermOp, "terms", name)


def find_transform(name: str) -> TransformOp:
    """Return a transform; raise as `find_op`."""
    return _find(TransformOp, "transforms", name)


def find_relation(name: str) -> RelationOp:
    """Return a relation; raise as `find_op`."""
    return _find(RelationOp, "relations", name)


def find_mask(name: str) -> MaskOp:
    """Return a mask; raise as `find_op`."""
    return _find(MaskOp, "masks", name)


def find_dataset(name: str) -> DatasetOp:
    """Return a dataset; raise as `find_op`."""
    return _find(DatasetOp, "datasets", name)


def find_optimizer(name: str) -> OptimizerOp:
    """Return an optimizer; raise as `find_op`."""
    return _find(OptimizerOp, "optimizers", name)


def find_schedule(name: str) -> ScheduleOp:
    """Return a schedule; raise as `find_op`."""
    return _find(ScheduleOp, "schedules", name)


def find_evaluation(name: str) -> EvaluationOp:
    """Return an evaluation; raise as `find_op`."""
    return _find(EvaluationOp, "evaluations", name)


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
