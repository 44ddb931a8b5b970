"""A folder that was always read well is read as ever: files, order, labels, classes, fingerprint.

Written anew from what the reader did before it knew of junk, links and unclear layouts; its
fingerprint is spelt out here, since run folders hold it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from eqspec.errors import EqspecError
from eqspec.ops.datasets import image_folder

ENDINGS = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

NAMES = st.sampled_from(["ant", "Bee", "cat", "d.og", "été", "z z", "sub"])
FILES = st.sampled_from(["a.png", "B.JPG", "c.webp", "notes.txt", "._a.png", "x.gif", "é.jpeg"])
CLASSES = st.dictionaries(
    NAMES,
    st.lists(st.tuples(st.sampled_from(["", "in/", "in/deep/"]), FILES), max_size=4),
    min_size=1,
    max_size=4,
)
LOOSE = st.lists(FILES, max_size=5)


@st.composite
def trees(draw) -> list[str]:
    """Paths of files, laid out as splits with or without classes, as classes, or loose."""
    kind = draw(st.sampled_from(["splits", "loose splits", "classes", "loose"]))
    heldout = draw(st.sampled_from(["val", "valid", "validation", "test", "heldout", None]))
    parts = {"": None}
    if "splits" in kind:
        parts = {"train/": None} | ({f"{heldout}/": None} if heldout else {})
    paths = [prefix for prefix in parts if prefix]
    for prefix in parts:
        if "loose" in kind:
            paths += [prefix + name for name in draw(LOOSE)]
        else:
            classes = draw(CLASSES)
            paths += [f"{prefix}{c}/{d}{f}" for c, files in classes.items() for d, f in files]
            paths += [f"{prefix}{c}/" for c in classes]
    return paths


def below(base: Path) -> list[str]:
    """Images as they were found, sorted."""
    found: list[str] = []
    for folder, folders, names in os.walk(base):
        folders[:] = [n for n in folders if not n.startswith(".")]
        images = [n for n in names if n[0] != "." and Path(n).suffix.lower() in ENDINGS]
        found += [(Path(folder).relative_to(base) / name).as_posix() for name in images]
    return sorted(found)


def fingerprint(base: Path, files: list[str]) -> str:
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\0{(base / name).stat().st_size}\n".encode())
    for name in files:
        digest.update(hashlib.sha256((base / name).read_bytes()).digest())
    return digest.hexdigest()


def part(count: int, split: str, *, share: float) -> list[int]:
    """Which images of a folder without splits a split has."""
    share = max(share, 1 / count) if count > 1 else share
    steps = [int(i * share + 1e-9) for i in range(count + 1)]
    return [i for i in range(count) if (steps[i + 1] > steps[i]) == (split == "heldout")]


def as_ever(root: Path, split: str, *, share: float):
    """(files, classes, labels, fingerprint), or None where there was no image."""
    held = next(
        (n for n in ("val", "valid", "validation", "test", "heldout") if (root / n).is_dir()), None
    )
    train = root / "train" if (root / "train").is_dir() else root
    sides = [train] if held is None else [train, root / held]
    base = sides[-1] if split == "heldout" else train
    files = below(base)
    if not files or len({"/" in f for f in files}) > 1:
        return None
    rows = part(len(files), split, share=share) if held is None else range(len(files))
    files = [files[i] for i in rows]
    classes, labels = (), None
    if "/" in "".join(files):
        classes = tuple(sorted({p.name for s in sides for p in s.iterdir() if p.is_dir()}))
        labels = [classes.index(f.split("/")[0]) for f in files]
    return (tuple(files), classes, labels, fingerprint(base, files)) if files else None


@settings(max_examples=150, deadline=None)
@given(trees(), st.sampled_from([0.1, 0.3, 0.5]))
def test_well_formed_folders_are_read_as_ever(paths: list[str], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                (root / path).mkdir(exist_ok=True)
            else:
                (root / path).write_text(f"content of {path}")
        for split in ("train", "heldout"):
            before = as_ever(root, split, share=share)
            params = image_folder.Params(share=share)
            try:
                now = image_folder.open(params, split=split, folder=root)
            except EqspecError:
                assert before is None
                continue
            assert before is not None
            labels = None if now.labels is None else now.labels.tolist()
            assert (now.files, now.classes, labels) == before[:3]
            assert now.fingerprint() == before[3]
