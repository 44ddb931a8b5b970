"""Tests of the decoders: shapes, and which tokens each output depends on."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.decoders import mae_decoder, pixel_decoder
from eqspec.ops.op import BATCH, PortError, StreamType
from tests.reference.waves import wave


def patches(grid: tuple[int, int], *, width: int, prefix: int = 0) -> StreamType:
    sizes = (BATCH, prefix + grid[0] * grid[1], width)
    return StreamType(("B", "N", "D"), sizes, prefix=prefix, grid=grid)


class TestPixelDecoder:
    @pytest.mark.parametrize(("d_equi", "millions"), [(2048, 1.739), (512, 0.953), (256, 0.821)])
    def test_counted_parameters(self, d_equi: int, millions: float) -> None:
        params = pixel_decoder.Params(image_size=224)
        streams = {"x": patches((14, 14), width=2 * d_equi)}
        with torch.device("meta"):
            decoder = pixel_decoder.build(params, streams, world=World())
        assert round(sum(p.numel() for p in decoder.parameters()) / 1e6, 3) == millions

    @pytest.mark.parametrize(
        ("side", "cells", "widths"),
        [
            (32, 2, [256, 128, 64, 32, 3]),
            (32, 4, [256, 128, 64, 3]),
            (32, 8, [256, 128, 3]),
            (64, 2, [256, 128, 64, 32, 16, 3]),
        ],
    )
    def test_one_doubling_per_factor_of_two(self, side: int, cells: int, widths: list[int]) -> None:
        streams = {"x": patches((cells, cells), width=10)}
        params = pixel_decoder.Params(image_size=side)
        decoder = pixel_decoder.build(params, streams, world=World())
        assert [up.in_channels for up in decoder.ups] == widths[:-1]
        assert [up.out_channels for up in decoder.ups] == widths[1:]
        initialise(decoder, seed=0, name="decoder")
        image = decoder(x=wave(2 * cells**2, 10, 0.1).float().reshape(2, cells**2, 10))
        assert image.shape == (2, 3, side, side)
        assert 0 < image.min() < image.max() < 1

    def test_a_narrower_decoder(self) -> None:
        streams = {"x": patches((4, 4), width=10)}
        params = pixel_decoder.Params(image_size=32, width=64)
        decoder = pixel_decoder.build(params, streams, world=World())
        assert decoder.linear.out_features == 64
        assert [up.in_channels for up in decoder.ups] == [64, 32, 16]

    def test_a_token_changes_only_its_own_patch_of_pixels(self) -> None:
        """In evaluation mode, where no statistic mixes tokens: row 1, column 3 of a 4 x 4 grid."""
        streams = {"x": patches((4, 4), width=6)}
        decoder = pixel_decoder.build(pixel_decoder.Params(image_size=32), streams, world=World())
        initialise(decoder, seed=0, name="decoder")
        decoder.double().eval()
        x = wave(16, 6, 0.2)[None]
        other = x.clone()
        other[0, 7] += 1.0
        changed = (decoder(x=x) - decoder(x=other)).abs().sum(dim=(0, 1))
        row, column = divmod(int(changed.argmax()), 32)
        assert (row // 8, column // 8) == (1, 3)
        # Each doubling reaches one pixel of its own further: 4 + 2 + 1 beyond the patch.
        assert changed[23:].max() == 0 < changed[22].max()
        assert changed[:, :17].max() == 0 < changed[:, 17].max()

    def test_with_blocks_a_token_changes_every_pixel(self) -> None:
        """Content can then move across the grid, by as much as a rotation moves it."""
        streams = {"x": patches((4, 4), width=6)}
        params = pixel_decoder.Params(image_size=32, width=16, blocks=1)
        decoder = pixel_decoder.build(params, streams, world=World())
        initialise(decoder, seed=0, name="decoder")
        decoder.double().eval()
        x = wave(16, 6, 0.2)[None]
        other = x.clone()
        other[0, 7] += 1.0
        changed = (decoder(x=x) - decoder(x=other)).abs().sum(dim=(0, 1))
        assert changed.min() > 0
        permuted = x.flip(1)
        assert not torch.allclose(decoder(x=x).flip(-1, -2), decoder(x=permuted)), "by position"

    @pytest.mark.parametrize(
        ("x", "params", "reason"),
        [
            (patches((16, 16), width=6), {"image_size": 224}, "side is a power of two"),
            (patches((3, 3), width=6), {"image_size": 32}, "side is a power of two"),
            (patches((32, 32), width=6), {"image_size": 32}, "side is a power of two"),
            (patches((4, 2), width=6), {"image_size": 32}, "side is a power of two"),
            (patches((4, 4), width=6, prefix=1), {"image_size": 32}, "patch tokens only"),
            (patches((4, 4), width=6), {}, "set `image_size`"),
            (patches((4, 4), width=6), {"image_size": 32, "width": 30}, "30 does not allow"),
            (
                patches((4, 4), width=6),
                {"image_size": 32, "width": 64, "blocks": 1, "heads": 3},
                "3 heads and 4 divide, not 64",
            ),
        ],
    )
    def test_what_cannot_be_doubled_is_refused(
        self, x: StreamType, params: dict, reason: str
    ) -> None:
        with pytest.raises(PortError, match=reason):
            pixel_decoder.shapes(pixel_decoder.Params(**params), {"x": x})


class TestMaeDecoder:
    @staticmethod
    def decoder() -> torch.nn.Module:
        streams = {
            "x": StreamType(("B", "N", "D"), (BATCH, 1 + 2, 6), prefix=1),
            "keep": StreamType(("B", "M"), (BATCH, 2), grid=(3, 3), dtype="int"),
        }
        params = mae_decoder.Params(width=8, depth=2, heads=2, image_size=6)
        built = mae_decoder.build(params, streams, world=World())
        initialise(built, seed=0, name="decoder")
        return built.double()

    def test_the_order_of_kept_tokens_does_not_matter(self) -> None:
        decoder, x = self.decoder(), wave(3, 6, 0.1)[None]
        pixels = decoder(x=x, keep=torch.tensor([[7, 2]]))
        assert pixels.shape == (1, 9, 12)
        swapped = decoder(x=x[:, [0, 2, 1]], keep=torch.tensor([[2, 7]]))
        torch.testing.assert_close(swapped, pixels)

    def test_where_a_token_was_kept_does_matter(self) -> None:
        decoder, x = self.decoder(), wave(3, 6, 0.1)[None]
        pixels = decoder(x=x, keep=torch.tensor([[7, 2]]))
        assert (pixels - decoder(x=x, keep=torch.tensor([[6, 2]]))).abs().max() > 1e-6

    @pytest.mark.parametrize(
        ("tokens", "grid", "side", "reason"),
        [
            (4, (3, 3), 6, "one token per kept id"),
            (3, None, 6, "on a grid"),
            (3, (3, 3), None, "set `image_size`"),
            (3, (3, 3), 8, "does not divide"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, tokens: int, grid, side, reason: str) -> None:
        streams = {
            "x": StreamType(("B", "N", "D"), (BATCH, tokens, 6), prefix=1),
            "keep": StreamType(("B", "M"), (BATCH, 2), grid=grid, dtype="int"),
        }
        params = mae_decoder.Params(width=8, depth=1, heads=2, image_size=side)
        with pytest.raises(PortError, match=reason):
            mae_decoder.shapes(params, streams)
