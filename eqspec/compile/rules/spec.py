"""Rules about values of a spec and of the cards that it names, each naming both places.

They run on what a lookup has found, so they apply even when other values are wrong. What only the
whole graph shows is left to the passes of the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from eqspec.compile.graph.sample_groups import GROUPS
from eqspec.compile.lookup.look_up import Call, Lookup
from eqspec.compile.rules.equivariance import settings_of_rewrite
from eqspec.compile.rules.predictor import predictor_where_needed
from eqspec.compile.rules.targets import targets_where_needed
from eqspec.compile.views.sizes import ViewGroup, image_side, positive_whole, view_sides
from eqspec.compile.views.stored_pairs import pairs_as_stored
from eqspec.errors import Diagnostic, Location
from eqspec.ops.contract.graph import GraphOp
from eqspec.ops.op import BATCH, PortError, StreamType
from eqspec.registry.cards import DatasetCard, EquivarianceCard, MethodCard
from eqspec.spec.node import KeyPath
from eqspec.spec.phrases import counted

_LARGEST_PATCH = 32
"""The largest patch that is proposed."""

_TOKENS = StreamType(axes=("V", "B", "N", "D"), sizes=(2, BATCH, 4, 8), grid=(2, 2))
"""Tokens of any width: the type of a head's output shows its own."""


def across_cards(found: Lookup) -> tuple[Diagnostic, ...]:
    """Apply every rule to a lookup."""
    rules = (
        _both_sides_of_slice,
        _whole_patches,
        _batch_in_data,
        _whole_groups,
        targets_where_needed,
        _pairs_as_stored,
        settings_of_rewrite,
        predictor_where_needed,
    )
    return tuple(diagnostic for rule in rules for diagnostic in rule(found))


def _pairs_as_stored(found: Lookup) -> Iterator[Diagnostic]:
    """Transform and rewrite fit the kind of data."""
    yield from pairs_as_stored(found.cards, found.source)


def _both_sides_of_slice(found: Lookup) -> Iterator[Diagnostic]:
    """The cut leaves at least one feature to the method, and one to the rewrite."""
    method = found.cards.get("method")
    if method is None or "equivariance" not in found.cards:
        return
    method = method.of(MethodCard)
    if method.model.embedding is None or not _cuts(found):
        return
    call = found.calls.get(f"method.modules.{method.model.embedding.module}")
    width = None if call is None else _width(call)
    if call is None or width is None:
        return
    for key in ("split", "d_equi"):
        path = ("equivariance", key)
        size = _positive(found, path)
        cut = 0 if size is None else round(size * width) if key == "split" else round(size)
        if size is None or 1 <= cut < width or (key == "split" and size >= 1):
            continue  # the schema refuses a share of 1 or more
        limit = f"between 1 and {width - 1}" if key == "d_equi" else f"1/{width} or more, below 1"
        yield Diagnostic(
            "EQ021",
            f"{cut} of {width} features would be equivariant, which leaves one part empty",
            found.source.value(path),
            label=f"{cut} equivariant, {width - cut} for the method",
            help=f"choose {limit}",
            also=((_number_at(call, width), f"the embedding has {counted(width, 'feature')}"),),
        )


def _cuts(found: Lookup) -> bool:
    """Whether the rewrite cuts the embedding."""
    model = found.cards["equivariance"].model
    return isinstance(model, EquivarianceCard) and model.cut == "embedding"


def _whole_patches(found: Lookup) -> Iterator[Diagnostic]:
    """Patches fill every view, and decoders can make images of them again."""
    backbone, method = found.calls.get("backbone"), found.cards.get("method")
    patch = _parameter(backbone, "patch")
    if backbone is None or patch is None:
        return
    location = _value(backbone, "patch")
    wanted: tuple[str, ...] = ()
    if method is not None and isinstance(method.model, MethodCard):
        wanted = tuple(method.model.views)
    for side, group, origin in view_sides(found, wanted):
        what, views = "the image size", f"images of {side}"
        if group is not None:
            what = f"the views of `{group.name}`"
            views = f"the `{group.name}` views, which are {side} pixels wide"
        if side % patch:
            at, also = location, () if origin is None else ((origin, what),)
            if origin is not None and origin.file.startswith("<cli>"):  # reported last
                at, also = origin, ((location, "the patch"),)
            yield Diagnostic(
                "EQ021",
                f"patches of {patch} pixels do not fill {views}",
                at,
                label=f"{side} / {patch} is not a whole number",
                help=_fitting(found, group, patch=patch, side=side, location=location),
                also=also,
            )
        elif (side, origin) == image_side(found):
            yield from _decoded(found, patch=patch, side=side, location=location)


def _fitting(
    found: Lookup, group: ViewGroup | None, *, patch: int, side: int, location: Location
) -> str:
    """Help: patches that fit and that the rewrite's decoders can upsample, or nearby sizes."""
    if group is not None:
        below, above = side // patch * patch, (side // patch + 1) * patch
        size = below if below and side - below < above - side else above
        return f"views of {size} pixels: {group.resized(found, size)}"
    dividing = [n for n in range(2, _LARGEST_PATCH + 1) if side % n == 0]
    made = [n for n in dividing if not any(_decoded(found, patch=n, side=side, location=location))]
    sizes = [str(n) for n in (side // patch * patch, (side // patch + 1) * patch) if n]
    choices = [f"a patch that divides {side} ({', '.join(map(str, made))})"] if made else []
    return ", or ".join([*choices, f"another image size ({', '.join(sizes)})"])


def _decoded(found: Lookup, *, patch: int, side: int, location: Location) -> Iterator[Diagnostic]:
    """Refuse patch grids that a decoder of the rewrite cannot upsample to the image."""
    cells = side // patch
    tokens = StreamType(axes=("B", "N", "D"), sizes=(BATCH, cells * cells, 8), grid=(cells, cells))
    for name, call in found.calls.items():
        params, op = call.params, call.op
        if not name.startswith("equivariance.modules.") or params is None:
            continue
        assert isinstance(op, GraphOp), "a module of a rewrite"
        if "image_size" in type(params).model_fields:
            params = params.model_copy(update={"image_size": side})
        try:
            op.shapes(params, {"x": tokens})
        except (PortError, KeyError) as error:
            if isinstance(error, PortError) and patch & (patch - 1):
                yield Diagnostic(
                    "EQ021",
                    f"images cannot be reconstructed from patches of {patch} pixels",
                    location,
                    label="not a power of two",
                    help="choose a patch that is a power of two: 2, 4, 8, 16, …",
                    also=((call.source.key(call.path), "this decoder doubles its grid"),),
                )


def _batch_in_data(found: Lookup) -> Iterator[Diagnostic]:
    """An epoch has at least one whole batch."""
    data, path = found.cards.get("data"), ("train", "batch")
    batch = _positive(found, path)
    if data is None or batch is None:
        return
    data = data.of(DatasetCard)
    count = data.model.facts.count
    if count is not None and batch > count:
        yield Diagnostic(
            "EQ021",
            f"a batch of {batch:,.0f} does not fit into {counted(count, 'training image')}",
            found.source.value(path),
            label="more than there are",
            help=f"choose at most {count}",
            also=((data.source.value(("facts", "count")), f"images of `{data.name}`"),),
        )


def _whole_groups(found: Lookup) -> Iterator[Diagnostic]:
    """Batch statistics are taken over groups of equal size."""
    path = ("train", "batch")
    batch = _positive(found, path)
    for (name, call), key in product(found.calls.items(), GROUPS):
        group = _parameter(call, key)
        if batch is None or group is None or batch % group == 0:
            continue
        yield Diagnostic(
            "EQ021",
            f"a batch of {batch:,.0f} samples is no multiple of the group of {group:,}",
            found.source.value(path),
            label=f"{batch:,.0f} / {group:,} is not a whole number",
            help="batch statistics are taken over groups of equal size; "
            f"`{key}: null` takes the whole batch",
            also=((_value(call, key), f"groups of `{name}`"),),
        )


def _width(call: Call) -> int | None:
    """Output width of a head."""
    if call.params is None or not isinstance(call.op, GraphOp):
        return None
    try:
        return call.op.shapes(call.params, {"x": _TOKENS}).size("D")
    except (PortError, KeyError):
        return None


def _number_at(call: Call, number: int) -> Location:
    """Location of the parameter that sets a head's width, or else of the head."""
    params = call.source.get((*call.path, "params"))
    for key in params.value if params is not None and isinstance(params.value, Mapping) else ():
        node = call.source.get((*call.path, "params", key))
        last = node.value[-1] if node and isinstance(node.value, tuple) and node.value else node
        if last is not None and last.value == number:
            return last.location
    return call.source.key(call.path)


def _parameter(call: Call | None, name: str) -> int | None:
    """A positive whole parameter of an op, None where it has none; others may be wrong."""
    if call is None:
        return None
    node = call.source.get((*call.path, "params", name))
    return positive_whole(getattr(call.params, name, None) if node is None else node.value)


def _value(call: Call, name: str) -> Location:
    return call.source.value((*call.path, "params", name))


def _positive(found: Lookup, path: KeyPath) -> float | None:
    """The positive number at a path of the spec, if there is one."""
    node = found.source.get(path)
    number = None if node is None else node.value
    if isinstance(number, int | float) and not isinstance(number, bool) and number > 0:
        return number
    return None
