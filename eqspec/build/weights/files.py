"""Files of published weights as flat names and tensors. Nothing in a file is ever run.

A file may be hostile: what it costs to read it is bounded by its size, not by what it declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from eqspec.build.weights.paths import is_there
from eqspec.build.weights.tensor_files import read_pickle, read_safetensors
from eqspec.errors import UsageError

MOST_VALUES = 50_000
"""Values in all mappings of a file; a checkpoint of a large model has some thousand."""

DEEPEST = 32
"""Mappings inside one another; `optimizer/state/0/exp_avg` is four."""

LONGEST_NAME = 500
"""Letters in the keys that lead to a tensor."""

EXPANDED = 2**20
"""Bytes up to which a tensor may repeat what is stored of it, as saved masks and positions do."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file, by the keys that lead to it, joined by `/`; on the CPU.

    Lists are passed over: no published layout keeps an encoder in one.

    Raises:
        UsageError: when the file is gone, damaged, or holds more than tensors and plain data.
    """
    if not is_there(path):
        raise UsageError(f"there is no file `{path}`", help="check the path of the weights")
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    held = read_pickle(path, mapped=True)
    if not isinstance(held, Mapping):
        raise UsageError(
            f"`{path}` holds no names of tensors, but one {type(held).__name__}",
            help="a file of weights is a dict of names, as `state_dict()` makes it",
        )
    return dict(_Walk(path).names(held))


@dataclass(slots=True)
class _Walk:
    """A way through the mappings of a file, which may hold one another or themselves."""

    path: Path
    seen: int = field(default=0)

    def names(
        self,
        held: Mapping[object, object],
        above: tuple[str, ...] = (),
        inside: tuple[int, ...] = (),
    ) -> Iterator[tuple[str, Tensor]]:
        """Names and tensors; keys that are no text or number are passed over, as lists are."""
        if id(held) in inside:
            raise self._no_weights("it contains itself")
        if len(above) > DEEPEST:
            raise self._no_weights(f"its mappings lie more than {DEEPEST} deep in one another")
        for key, value in held.items():
            self.seen += 1
            if self.seen > MOST_VALUES:
                raise self._no_weights(f"it holds more than {MOST_VALUES:,} values")
            if not isinstance(key, (str, int)) or not isinstance(value, (Tensor, Mapping)):
                continue
            keys = (*above, str(key))
            if sum(map(len, keys)) > LONGEST_NAME:
                raise self._no_weights(f"a name in it has more than {LONGEST_NAME:,} letters")
            if isinstance(value, Mapping):
                yield from self.names(value, keys, (*inside, id(held)))
            else:
                name = "/".join(keys)
                yield name, self._plain(value, name)

    def _plain(self, tensor: Tensor, name: str) -> Tensor:
        """A tensor whose values are in the file, each once."""
        if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized:
            raise self._no_weights(f"`{name}` in it is no plain tensor")
        there = tensor.untyped_storage().nbytes()
        if tensor.numel() * tensor.itemsize > max(there, EXPANDED):
            shape = list(tensor.shape)
            raise self._no_weights(f"`{name}` in it is {shape}, and only {there:,} bytes are there")
        return tensor.detach()

    def _no_weights(self, why: str) -> UsageError:
        return UsageError(
            f"`{self.path}` is no file of weights: {why}",
            help="a file of weights is a dict of names, as `state_dict()` makes it",
        )
