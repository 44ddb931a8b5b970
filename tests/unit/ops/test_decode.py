"""Tests that decoding returns upright 8-bit RGB, or an error that names the file."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import resource
import subprocess

import numpy as np
import pytest
from PIL import Image

from eqspec.errors import EqspecError
from eqspec.ops.decode import UnreadableImage, decode, decoded, decoder
from tests.fake_datasets import CORRUPT_EXIF, EPS, save
from tests.fakes import FakeImages

RGB = FakeImages(1).image(0)
PICTURE = Image.fromarray(RGB)


def written(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        written(PICTURE, "PNG"),
        written(PICTURE.convert("RGBA"), "PNG"),
        written(PICTURE.convert("CMYK"), "TIFF"),
    ],
    ids=["rgb", "alpha", "cmyk"],
)
def test_equal_colours_decode_to_equal_pixels(content):
    assert np.array_equal(decode(content), RGB)


def test_a_cmyk_jpeg_is_close_to_its_colours():
    pixels = decode(written(PICTURE.convert("CMYK"), "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - RGB).mean() < 3


@pytest.mark.parametrize("transparency", [None, 3, bytes(range(64))])
def test_a_palette_is_looked_up_with_and_without_transparency(transparency):
    palette = PICTURE.quantize(64)
    options = {} if transparency is None else {"transparency": transparency}
    pixels = decode(written(palette, "PNG", **options))
    assert np.array_equal(pixels, np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_gray_is_three_equal_channels(mode):
    gray = PICTURE.convert("L")
    picture = gray.convert(mode)
    pixels = decode(written(picture, "PNG"))
    assert np.array_equal(pixels[..., 0], np.asarray(picture.convert("L")))
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_rounded_to_eight(kind):
    levels = np.array([[0, 0x8000, 0xFFFF, 0x0100]], dtype=np.uint16)
    pixels = decode(written(Image.fromarray(levels), kind))
    assert pixels.dtype == np.uint8
    assert pixels[0, :, 0].tolist() == [0, 128, 255, 1]


@pytest.mark.parametrize(("tag", "turned"), [(3, 2), (6, -1), (8, 1)])
def test_exif_turns_the_image_upright(tag, turned):
    exif = Image.Exif()
    exif[0x0112] = tag
    assert np.array_equal(decode(written(PICTURE, "PNG", exif=exif)), np.rot90(RGB, k=turned))


def test_exif_mirrors_the_image():
    exif = Image.Exif()
    exif[0x0112] = 2
    assert np.array_equal(decode(written(PICTURE, "PNG", exif=exif)), RGB[:, ::-1])


@pytest.mark.parametrize("keep", [0, 10, 200])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_truncated_image_is_named(tmp_path, keep, suffix):
    path = save(tmp_path / f"broken{suffix}")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableImage, match=rf"cannot read the image .*broken\{suffix}"):
        decode(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_damage_anywhere_never_raises_anything_else(kind):
    whole = written(PICTURE, kind)
    damaged = 0
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        content = bytearray(whole)
        content[at : at + 4] = b"\xff\x00\xff\xff"
        try:
            assert decode(bytes(content)).shape[2] == 3
        except UnreadableImage:
            damaged += 1
    assert damaged


def test_pixels_without_a_range_are_refused(tmp_path):
    save(tmp_path / "float.tif", np.ones((4, 4), dtype=np.float32))
    save(tmp_path / "deep.tif", np.full((4, 4), 70000, dtype=np.int32))
    with pytest.raises(UnreadableImage, match="float pixels, which have no fixed range"):
        decode(tmp_path / "float.tif")
    with pytest.raises(UnreadableImage, match="more than 16 bits"):
        decode(tmp_path / "deep.tif")


def test_what_the_machine_lacks_is_no_damage(tmp_path):
    path = tmp_path / "whole.png"
    save(path, np.zeros((4, 4, 3), dtype=np.uint8))
    decode(path)  # whatever the decoder opens for itself is open
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1, hard))
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(EqspecError, match=r"this machine cannot read .*whole.png") as caught:
            decode(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    assert not isinstance(caught.value, UnreadableImage)


@pytest.mark.parametrize(
    "content", [EPS, written(PICTURE, "GIF"), b"P7\n"], ids=["eps", "gif", "pam"]
)
def test_only_listed_formats_are_opened_whatever_a_file_is_called(content, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"x\.png: not in one of the formats BMP, JPEG"):
        decode(path)


def test_ghostscript_is_not_started(monkeypatch):
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(UnreadableImage):
        decode(EPS)


def test_a_warning_of_the_decoder_becomes_a_remark_and_the_pixels_stay():
    odd = written(PICTURE, "JPEG", exif=CORRUPT_EXIF, quality=95)
    plain = written(PICTURE, "JPEG", quality=95)
    found = decoded(odd)
    assert "tag 270" in found.remark
    assert np.array_equal(found.pixels, np.rot90(decode(plain), k=-1))
    assert not decoded(plain).remark


def test_a_very_large_image_is_read_with_a_remark_and_a_larger_one_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 48 - 1)
    found = decoded(written(PICTURE, "PNG"))
    assert np.array_equal(found.pixels, RGB)
    assert "exceeds limit" in found.remark
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 48 // 2 - 1)
    with pytest.raises(UnreadableImage, match=r"big\.png: more pixels than"):
        decode(written(PICTURE, "PNG"), name="big.png")


def test_an_unreadable_image_keeps_its_name_across_processes():
    error = pickle.loads(pickle.dumps(UnreadableImage("a/b.jpg", "truncated")))
    assert error.message == "cannot read the image a/b.jpg: truncated"


def test_the_decoder_has_a_name_and_a_version():
    assert decoder().startswith("pillow ")
    assert "libjpeg" in decoder()
