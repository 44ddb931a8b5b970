"""Pooling, rows and refusals of features."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from eqspec.errors import EqspecError
from eqspec.evals.features import CHUNK, Subject, encode


def tokens_of(images: Tensor) -> Tensor:
    """Five tokens: the image's sum as class token, then its four pixels; three features each."""
    patches = images.flatten(2).transpose(1, 2)
    return torch.cat([patches.sum(dim=1, keepdim=True), patches], dim=1)


def subject(**changed) -> Subject:
    given = {
        "encoder": tokens_of,
        "prefix": 1,
        "size": 2,
        "mean": (0.5, 0.25, 0.0),
        "std": (0.5, 1.0, 2.0),
    }
    return Subject(**given | changed)


IMAGES = torch.rand(3, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def test_the_encoders_row_is_class_token_and_mean_patch_of_normalised_images() -> None:
    found = encode(subject(), IMAGES, rows=("encoder",))["encoder"]
    mean = (IMAGES.mean(dim=(2, 3)) - torch.tensor([0.5, 0.25, 0.0])) / torch.tensor(
        [0.5, 1.0, 2.0]
    )
    torch.testing.assert_close(found, torch.cat([4 * mean, mean], dim=1))


def test_without_a_class_token_it_is_the_mean_patch() -> None:
    found = encode(subject(prefix=0), IMAGES, rows=("encoder",))["encoder"]
    assert found.shape == (3, 3)


def test_the_class_token_is_a_row_of_its_own() -> None:
    found = encode(subject(), IMAGES, rows=("class_token", "encoder"))
    torch.testing.assert_close(found["class_token"], found["encoder"][:, :3])
    assert subject(prefix=0).pooled_rows == ("encoder",)


def test_the_embeddings_parts_are_rows_of_their_own() -> None:
    cut = subject(embedding=lambda t: torch.cat([t, 2 * t], dim=2), split=(2, 4))
    assert cut.pooled_rows == ("encoder", "class_token", "z_inv", "z_equi")
    assert cut.token_rows == ("encoder_tokens", "z_inv_tokens", "z_equi_tokens")
    found = encode(cut, IMAGES, rows=cut.rows)
    patches = found["encoder"][:, 3:]
    torch.testing.assert_close(found["z_inv"], patches[:, :2])
    torch.testing.assert_close(found["z_equi"], torch.cat([patches[:, 2:], 2 * patches], dim=1))


def test_tokens_keep_the_patches_apart() -> None:
    """Patch 0 of all features first, then patch 1, …; their mean is the pooled feature."""
    cut = subject(embedding=lambda t: torch.cat([t, 2 * t], dim=2), split=(2, 4))
    found = encode(cut, IMAGES, rows=cut.rows)
    patches = (IMAGES.flatten(2).mT - torch.tensor(cut.mean)) / torch.tensor(cut.std)
    torch.testing.assert_close(found["encoder_tokens"], patches.flatten(1))
    for part in ("z_inv", "z_equi"):
        apart = found[f"{part}_tokens"].unflatten(1, (4, -1))
        torch.testing.assert_close(apart.mean(dim=1), found[part])
    assert not torch.allclose(found["encoder_tokens"][:, :3], found["encoder_tokens"][:, 3:6])


def test_tokens_of_a_fine_grid_are_averaged_to_four_by_four() -> None:
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    found = encode(subject(size=8), images, rows=("encoder_tokens",))["encoder_tokens"]
    fine = (images - torch.tensor([0.5, 0.25, 0.0]).view(3, 1, 1)) / torch.tensor(
        [0.5, 1.0, 2.0]
    ).view(3, 1, 1)
    last = fine[:, :, 6:, 6:].mean(dim=(2, 3))
    assert found.shape == (2, 16 * 3)
    torch.testing.assert_close(found[:, -3:], last)


def test_chunks_do_not_show() -> None:
    images = IMAGES.repeat(CHUNK, 1, 1, 1)
    found = encode(subject(), images, rows=("encoder",))["encoder"]
    assert len(found) == len(images)
    torch.testing.assert_close(found[:3], found[-3:])


def test_half_precision_tokens_become_fp32_and_carry_no_gradient() -> None:
    layer = nn.Conv2d(3, 3, 1).eval()
    half = subject(encoder=lambda x: tokens_of(layer(x)).to(torch.bfloat16))
    found = encode(half, IMAGES, rows=("encoder",))["encoder"]
    assert found.dtype == torch.float32
    assert not found.requires_grad


def test_features_that_are_not_finite_are_refused() -> None:
    broken = subject(encoder=lambda x: tokens_of(x) / 0.0)
    with pytest.raises(EqspecError, match="`encoder` are not finite"):
        encode(broken, IMAGES, rows=("encoder",))


def test_a_model_in_training_mode_is_refused() -> None:
    with pytest.raises(AssertionError, match="eval mode"):
        subject(encoder=nn.Identity())
