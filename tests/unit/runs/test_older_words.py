"""Results stored under older words are read under the new ones, and stay what they are."""

from __future__ import annotations

import json

import numpy as np

from eqspec.runs.folder import RunFolder
from eqspec.runs.results import load_result, reports


def test_older_words_for_what_a_bootstrap_is_over_are_still_read(folder: RunFolder) -> None:
    metrics = [
        {"name": "r2", "value": 0.5, "low": 0.1, "high": 0.9, "group": {"interval": over}}
        for over in ("crops", "photos", "images")
    ]
    written = {"metrics": metrics, "facts": {"heldout_images": 60, "heldout_photos": 3}}
    folder.evaluations.mkdir(exist_ok=True)
    np.savez(folder.evaluations / "r2-1.step-4.npz", images=np.arange(3))
    path = folder.evaluations / "r2-1.step-4.json"
    path.write_text(json.dumps(written))
    found = load_result(folder, name="r2-1.step-4")
    assert found is not None
    (report,) = reports(folder)
    assert found.summary["facts"] == report.facts == {"heldout_images": 60, "heldout_sources": 3}
    over = [m["group"]["interval"] for m in found.summary["metrics"]]
    assert over == [m.group["interval"] for m in report.metrics] == ["images", "sources", "images"]
    assert json.loads(path.read_text()) == written
