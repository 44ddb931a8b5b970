"""Plain data: values that load again with `weights_only=True`."""

from __future__ import annotations

from typing import cast

_PLAIN = (bool, int, float, str, type(None))


def plain(value: object, *, at: str) -> object:
    """Copy nested plain containers, with their tensors on the CPU.

    Args:
        at: name of the value in messages.

    Raises:
        TypeError: for values that would not load with `weights_only=True`.
    """
    from torch import Tensor

    if isinstance(value, Tensor):
        alone = value.detach().cpu()
        # A view would be saved with the whole storage behind it.
        return alone if alone.untyped_storage().nbytes() == alone.nbytes else alone.clone()
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {plain(key, at=at): plain(one, at=f"{at}.{key}") for key, one in items}
    if isinstance(value, (list, tuple)):
        sequence = cast("list[object] | tuple[object, ...]", value)
        parts = [plain(one, at=f"{at}.{i}") for i, one in enumerate(sequence)]
        return tuple(parts) if isinstance(value, tuple) else parts
    if type(value) not in _PLAIN:  # not isinstance: floats of NumPy would not load again
        raise TypeError(
            f"`{at}` is a {type(value).__name__}: checkpoints may contain plain data only"
        )
    return value
