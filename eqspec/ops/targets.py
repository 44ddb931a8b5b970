"""What images are labelled with. Free of torch."""

from __future__ import annotations

LABELS = "labels"
"""The stream of classes, `[B]` int64, of data whose card promises classes."""
