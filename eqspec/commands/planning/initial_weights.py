"""Weights that a spec's `init_from` names, found and hashed. Free of torch."""

from __future__ import annotations

from pathlib import Path

from eqspec.build.weights.paths import expanded, is_folder, is_there
from eqspec.compile.types.initial_weights import InitPlan
from eqspec.errors import Diagnostic, EqspecError, SpecError, UsageError
from eqspec.runs.artifacts import sha256_of
from eqspec.spec.initial_weights import InitialWeights
from eqspec.spec.model import Spec
from eqspec.spec.source import Source

_PATH = ("init_from",)


def find_initial(spec: Spec, *, source: Source) -> InitPlan | None:
    """Find the weights to start from; None if the spec names none.

    Raises:
        SpecError: they are missing, or differ from those that the spec pins.
    """
    if spec.init_from is None:
        return None
    written = spec.init_from
    asked = InitialWeights(weights=written) if isinstance(written, str) else written
    try:
        path, digest = _found(expanded(asked.weights))
    except EqspecError as error:
        raise _refused(error.message, error.help, source=source) from error
    if asked.sha256 not in {None, digest}:
        message = f"`{path}` contains other weights: its sha256 is {digest}"
        raise _refused(message, "point to the right weights", source=source)
    return InitPlan(weights=str(path.absolute()), sha256=digest, partial=asked.partial)


def _found(path: Path) -> tuple[Path, str]:
    """Return the file and its hash; for a run, of its newest checkpoint."""
    if not is_folder(path):
        if not is_there(path):
            raise UsageError(f"there is no file `{path}`", help="check the path of the weights")
        from eqspec.runs.seal_check import require_as_sealed

        require_as_sealed(path)
        return path, sha256_of(path, follow=True)
    from eqspec.runs import checkpoint
    from eqspec.runs.folder import RunFolder

    folder = RunFolder.open(path)
    stored = checkpoint.newest_weights(folder.checkpoints)
    if stored is None:
        raise EqspecError(f"the run `{path}` has no checkpoint yet")
    file = folder.checkpoints / stored.name
    if folder.record() is None:
        raise EqspecError(
            f"the run `{path}` is not finished: its newest checkpoint will be another one",
            help=f"name the file itself: {file}",
        )
    return file, stored.sha256


def _refused(message: str, advice: str | None, *, source: Source) -> SpecError:
    return SpecError((Diagnostic("EQ301", message, source.value(_PATH), help=advice),))
