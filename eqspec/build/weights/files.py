"""Files of published weights as flat names and tensors, read without running anything in them.

A file may be hostile: the cost of reading it is bounded by its size, not by what it declares.
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
"""Bytes up to which a tensor may repeat its stored values, as masks and positions do."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a file, by the keys that lead to it, joined by `/`; on the CPU.

    Lists are skipped: no published layout keeps an encoder in one.

    Raises:
        UsageError: the file is gone, damaged, or contains more than tensors and plain data.
    """
    if not is_there(path):
        raise UsageError(f"there is no file `{path}`", help="check the path of the weights")
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    content = read_pickle(path, mapped=True)
    if not isinstance(content, Mapping):
        raise UsageError(
            f"`{path}` contains no names of tensors, but one {type(content).__name__}",
            help="a file of weights is a dict of names, as `state_dict()` returns it",
        )
    return dict(_Walk(path).names(content))


@dataclass(slots=True)
class _Walk:
    """A walk through the mappings of a file, which may contain one another or themselves."""

    path: Path
    seen: int = field(default=0)

    def names(
        self,
        content: Mapping[object, object],
        above: tuple[str, ...] = (),
        inside: tuple[int, ...] = (),
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield names and tensors; lists, and keys other than text and numbers, are skipped."""
        if id(content) in inside:
            raise self._no_weights("it contains itself")
        if len(above) > DEEPEST:
            raise self._no_weights(f"its mappings are nested more than {DEEPEST} deep")
        for key, value in content.items():
            self.seen += 1
            if self.seen > MOST_VALUES:
                raise self._no_weights(f"it contains more than {MOST_VALUES:,} values")
            if not isinstance(key, (str, int)) or not isinstance(value, (Tensor, Mapping)):
                continue
            keys = (*above, str(key))
            if sum(map(len, keys)) > LONGEST_NAME:
                raise self._no_weights(f"a name in it has more than {LONGEST_NAME:,} letters")
            if isinstance(value, Mapping):
                yield from self.names(value, keys, (*inside, id(content)))
            else:
                name = "/".join(keys)
                yield name, self._plain(value, name)

    def _plain(self, tensor: Tensor, name: str) -> Tensor:
        """Return a tensor whose values are in the file, each once."""
        if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized:
            raise self._no_weights(f"`{name}` in it is not a plain tensor")
        there = tensor.untyped_storage().nbytes()
        if tensor.numel() * tensor.itemsize > max(there, EXPANDED):
            shape = list(tensor.shape)
            raise self._no_weights(f"`{name}` in it is {shape}, and only {there:,} bytes are there")
        return tensor.detach()

    def _no_weights(self, why: str) -> UsageError:
        return UsageError(
            f"`{self.path}` is not a file of weights: {why}",
            help="a file of weights is a dict of names, as `state_dict()` returns it",
        )
