"""Screening of a pickle of tensors before torch reads it: its calls, and the cost of running it.

torch's `weights_only` runs no foreign code, but it calls functions that are harmless only by
themselves: an encoding that doubles a text forty times takes a terabyte, and the hash of tuples
nested in one another, two by two, never ends. No file of weights does either.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO

LARGEST_TUPLE = 100_000
"""Values in a tuple, counted through the tuples in it: a state of a random generator has 626."""

_CALLED = re.compile(
    r"torch[.]_utils[.]_rebuild_(tensor|tensor_v[23]|parameter)|torch[.](Size|device)"
    r"|torch[.]nn[.]parameter[.]Parameter|argparse[.]Namespace|_codecs[.]encode"
    r"|collections[.](OrderedDict|Counter)|(builtins|__builtin__)[.]set"
)
_NAMED = re.compile(r"torch[.](storage[.])?\w*Storage|torch[.](b?float|u?int|complex|bool)\w*")
_NEXT_TO_NOTHING = frozenset({"PROTO", "STOP"})
_ATOMS = frozenset(
    {"NONE", "NEWTRUE", "NEWFALSE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"}
    | {"BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE", "SHORT_BINSTRING"}
)
_TUPLES: Mapping[str, int] = MappingProxyType({"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3})


class Screened(Exception):
    """Error for a pickle that must not be read.

    Attributes:
        calls: the function it would call; None if it is malformed, or costs too much.
    """

    def __init__(self, *, calls: str | None = None) -> None:
        super().__init__(calls)
        self.calls = calls


@dataclass(frozen=True, slots=True)
class _Item:
    """A value on the stack.

    Attributes:
        size: number of values in it that its hash covers.
        text: its content, if it is a text or the name of a function.
        last: the text that ends a tuple.
    """

    size: int = 1
    text: str = ""
    last: str = ""


_MARK = _Item(size=0)


def screen(file: IO[bytes], *, pickles: int) -> None:
    """Read pickles one after the other, without building anything.

    Args:
        pickles: number of them in the file.

    Raises:
        Screened: one of them must not be read.
    """
    for _ in range(pickles):
        machine = _Machine()
        try:
            for opcode, argument, _ in pickletools.genops(file):
                machine.take(opcode.name, argument)
        except (ValueError, IndexError, KeyError) as error:  # UnicodeDecodeError is a ValueError
            raise Screened from error


@dataclass(slots=True)
class _Machine:
    """The stack and the memory of an unpickler, with sizes in place of values."""

    stack: list[_Item] = field(default_factory=list[_Item])
    memo: dict[object, _Item] = field(default_factory=dict[object, _Item])

    def take(self, name: str, argument: object) -> None:
        """Apply one instruction to the stack."""
        if name in _NEXT_TO_NOTHING:
            return
        if name in _ATOMS:
            self.stack.append(_Item(text=argument if isinstance(argument, str) else ""))
        elif name in _TUPLES:
            self._tuple([self.stack.pop() for _ in range(_TUPLES[name])][::-1])
        elif name in {"BINGET", "LONG_BINGET"}:
            self.stack.append(self.memo[argument])
        elif name in {"BINPUT", "LONG_BINPUT"}:
            self.memo[argument] = self.stack[-1]
        else:
            self._other(name, argument)

    def _other(self, name: str, argument: object) -> None:
        does: dict[str, Callable[[], object]] = {
            "MARK": lambda: self.stack.append(_MARK),
            "TUPLE": lambda: self._tuple(self._to_mark()),
            "GLOBAL": lambda: self._name(str(argument)),
            "REDUCE": self._call,
            "NEWOBJ": self._call,
            "BINPERSID": lambda: self.stack.append(_Item(size=self.stack.pop().size)),
            "BUILD": self.stack.pop,
            "APPEND": self.stack.pop,
            "SETITEM": lambda: (self.stack.pop(), self.stack.pop()),
            "APPENDS": self._to_mark,
            "SETITEMS": self._to_mark,
        }
        does[name]()  # KeyError: torch supports no other instruction either

    def _to_mark(self) -> list[_Item]:
        found = list(iter(self.stack.pop, _MARK))
        return found[::-1]

    def _tuple(self, items: list[_Item]) -> None:
        size = 1 + sum(item.size for item in items)
        if size > LARGEST_TUPLE:
            raise Screened
        self.stack.append(_Item(size=size, last=items[-1].text if items else ""))

    def _name(self, written: str) -> None:
        dotted = written.replace(" ", ".", 1)
        if not (_CALLED.fullmatch(dotted) or _NAMED.fullmatch(dotted)):
            raise Screened(calls=dotted)
        self.stack.append(_Item(text=dotted))

    def _call(self) -> None:
        given, called = self.stack.pop(), self.stack.pop()
        encodes = called.text == "_codecs.encode"  # torch's pickles contain bytes like this
        if not _CALLED.fullmatch(called.text) or (encodes and given.last != "latin1"):
            raise Screened(calls=called.text or None)
        self.stack.append(_Item(size=given.size))
