"""Published weights that a spec's `backbone.init` names, found and matched with a layout.

Missing weights are no error for a plan, which notes it; only a run needs them. Torch is imported
only if there are some.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.build.weights.paths import expanded, is_folder, is_there
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.initial_weights import PublishedPlan
from eqspec.compile.weights.layouts import recognise
from eqspec.errors import Diagnostic, EqspecError, SpecError, UsageError
from eqspec.registry.cards import LayoutCard
from eqspec.registry.catalog import Catalog
from eqspec.runs.artifacts import sha256_of
from eqspec.spec.initial_weights import HUB, PublishedWeights

if TYPE_CHECKING:
    from eqspec.build.weights.hub import HubModel

_PATH = ("backbone", "init")


def find_published(resolved: Resolved, catalog: Catalog, *, fetch: bool) -> PublishedPlan | None:
    """Find the published weights of the backbone; None if the spec names none.

    Args:
        catalog: of layout cards.
        fetch: download weights of timm's hub that are missing here.

    Raises:
        SpecError: they cannot be used, or differ from those that the spec pins.
    """
    asked = resolved.published
    if asked is None:
        return None
    try:
        return _found(asked, resolved, catalog, fetch=fetch)
    except EqspecError as error:
        location = resolved.source.value(_PATH)
        found = Diagnostic("EQ302", error.message, location, help=error.help)
        raise SpecError((found,)) from error


def _found(
    asked: PublishedWeights, resolved: Resolved, catalog: Catalog, *, fetch: bool
) -> PublishedPlan:
    hub = asked.weights.startswith(HUB)
    path = _on_hub(asked, resolved, fetch=fetch) if hub else expanded(asked.weights)
    named = asked.weights if path is None or hub else str(path.absolute())
    if path is not None and is_folder(path):
        raise UsageError(
            f"`{path}` is a folder, not a file of weights",
            help="of a run, name a file below `checkpoints/`, or write `init_from` and train on",
        )
    if path is None or not is_there(path):
        return PublishedPlan(
            weights=named, file=None, sha256=asked.sha256, layout=None, partial=asked.partial
        )
    from eqspec.runs.seal_check import require_as_sealed

    require_as_sealed(path)
    digest = sha256_of(path, follow=True)
    if asked.sha256 not in {None, digest}:
        message = f"`{path}` contains other weights: its sha256 is {digest}"
        raise UsageError(message, help="point to the right weights")
    from eqspec.build.weights.files import read_tensors

    layouts = [catalog.card(LayoutCard, name) for name in catalog.names("layouts")]
    try:
        layout = recognise(read_tensors(path), layouts, part=asked.part)
    except UsageError as error:
        message = error.message if str(path) in error.message else f"`{path}`: {error.message}"
        raise UsageError(message, help=error.help) from error
    return PublishedPlan(
        weights=named,
        file=str(path.absolute()),
        sha256=digest,
        layout=layout,
        partial=asked.partial,
    )


def _on_hub(asked: PublishedWeights, resolved: Resolved, *, fetch: bool) -> Path | None:
    """Return the file of a timm name, from a cache or downloaded; None if it is missing."""
    from eqspec.build.weights import hub

    model = hub.hub_model(asked.weights.removeprefix(HUB))
    _need_normalisation(model, resolved)
    return hub.fetched(model) if fetch else hub.cached(model)


def _need_normalisation(model: HubModel, resolved: Resolved) -> None:
    """Refuse weights that expect another normalisation of pixels than the backbone's card."""
    from eqspec.compile.views.view_plan import normalisation

    mean, std = normalisation(resolved)
    if (mean, std) != (model.mean, model.std):
        name = resolved.cards["backbone"].name
        raise UsageError(
            f"`timm:{model.name}` wants pixels normalised by mean {list(model.mean)} and standard "
            f"deviation {list(model.std)}, `{name}` by {list(mean)} and {list(std)}",
            help="write a backbone card with these `facts: {mean: …, std: …}`",
        )
