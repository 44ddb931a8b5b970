"""Published weights by the names of timm, in the local caches or downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlparse

import huggingface_hub
import timm
import torch
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from timm.models import PretrainedCfg

from eqspec.errors import EqspecError, UsageError

_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names that a model's file may have on the hub, the better first."""


class HubOutOfReach(EqspecError):
    """A file that is not in the cache could not be downloaded."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """timm's facts about the weights of a name.

    Attributes:
        repository: on the Hugging Face hub; None if timm downloads from `url` alone.
        file: its name in torch's cache, if it has a `url`.
        mean, std: per channel of pixels in [0, 1].
    """

    name: str
    repository: str | None
    url: str | None
    file: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def hub_model(name: str) -> HubModel:
    """Return the weights of a name from timm's own list, without a network.

    Raises:
        UsageError: timm has no such name, or no weights for it.
    """
    known = _known(name)
    if known is None or not (known.hf_hub_id or known.url):
        near = get_close_matches(name, timm.list_pretrained(), n=3, cutoff=0.5)
        guess = f"did you mean {' or '.join(f'`timm:{n}`' for n in near)}? " if near else ""
        raise UsageError(
            f"timm {timm.__version__} has no weights of the name `{name}`",
            help=f"{guess}`timm.list_pretrained()` lists them",
        )
    url, file = known.url if isinstance(known.url, tuple) else (known.url, "")
    return HubModel(
        name=name,
        repository=known.hf_hub_id,
        url=url,
        file=file or Path(urlparse(url or "").path).name,
        mean=tuple(known.mean),
        std=tuple(known.std),
    )


def _known(name: str) -> PretrainedCfg | None:
    try:
        return timm.get_pretrained_cfg(name)
    except RuntimeError:  # the architecture exists, but not this tag of it
        return None


def cached(model: HubModel) -> Path | None:
    """Return the file in the local caches of the hub and of torch; None if neither has it."""
    return next(_cached(model), None)


def fetched(model: HubModel) -> Path:
    """Return the file, downloaded if no cache has it.

    Raises:
        HubOutOfReach: the download failed.
    """
    here = cached(model)
    if here is not None:
        return here
    try:
        return _from_hub(model) if model.repository else _from_url(model)
    except Exception as error:  # servers, proxies and licences raise errors of many types
        where = model.repository or model.url
        raise HubOutOfReach(
            f"the weights `timm:{model.name}` are not here, and `{where}` could not be reached: "
            f"{_first_line(error)}",
            help="try again with a network; or fetch the file elsewhere and name it: "
            "`backbone.init: FILE`",
        ) from error


def _cached(model: HubModel) -> Iterator[Path]:
    for file in _FILES if model.repository else ():
        found = huggingface_hub.try_to_load_from_cache(
            str(model.repository), file, cache_dir=huggingface_hub.constants.HF_HUB_CACHE
        )
        if isinstance(found, str):
            yield Path(found)
    if model.url and (there := _of_torch(model)).is_file():
        yield there


def _of_torch(model: HubModel) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / model.file


def _from_hub(model: HubModel) -> Path:
    for file in _FILES:
        try:
            return Path(huggingface_hub.hf_hub_download(str(model.repository), file))
        except LocalEntryNotFoundError:  # no connection; a subclass of the other
            raise
        except EntryNotFoundError:
            continue
    raise FileNotFoundError(f"none of {', '.join(_FILES)} is there")


def _from_url(model: HubModel) -> Path:
    file = _of_torch(model)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(str(model.url), str(file), progress=False)
    return file


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
