"""Names of the streams of labels. Free of torch."""

from __future__ import annotations

LABELS = "labels"
"""The stream of classes, `[B]` int64, of datasets with classes on their card."""
