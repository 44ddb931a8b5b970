"""Result files: what is stored is read back, and so are the files of older versions."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from eqspec.nn.readouts.measurement import EvalProtocol, Interval, Measurement, ResultSet
from eqspec.runs.results import load_result, result_sets, save_result

if TYPE_CHECKING:
    from eqspec.runs.folder import RunFolder

NAME = "r2-1.step-4"


def test_a_result_set_survives_its_files(folder: RunFolder) -> None:
    measured = (
        Measurement(
            "r2",
            1 / 3,
            row="encoder",
            group=(("family", "rot"), ("border", "canvas")),
            intervals=(Interval("images", 0.1, 0.9), Interval("sources", 0.0, 1.0)),
            n=60,
        ),
        Measurement("effective_rank", 7.5, unit="directions", row="z_inv", n=60),
    )
    facts = {"evaluation": "r2-1", "rev": 2, "data": "abc", "heldout_images": 60}
    stored = ResultSet(measured, facts=facts, arrays={"images": np.arange(3)}, step=4)
    save_result(folder, name=NAME, results=stored)
    read = load_result(folder, name=NAME)
    assert read is not None
    protocol = EvalProtocol("r2", "r2-1", rev=2, data="abc")
    assert read.measurements == stored.measured_by(protocol).measurements
    assert (read.facts, read.step, read.protocol) == (facts, 4, protocol)
    np.testing.assert_array_equal(read.arrays["images"], np.arange(3))
    (numbers,) = result_sets(folder)
    assert (numbers.measurements, numbers.arrays) == (read.measurements, {})


def test_an_undefined_number_survives_as_nan(folder: RunFolder) -> None:
    odd = Measurement("r2", math.nan, intervals=(Interval("images", math.nan, 1.0),))
    save_result(folder, name=NAME, results=ResultSet((odd,), arrays={"images": np.arange(3)}))
    ((read,),) = (one.measurements for one in result_sets(folder))
    assert math.isnan(read.value)
    assert math.isnan(read.intervals[0].low)
    assert read.intervals[0].high == 1.0


def test_an_older_file_has_an_entry_per_interval_and_other_words(folder: RunFolder) -> None:
    metrics = [
        {
            "name": "r2",
            "value": 0.5,
            "low": 0.1,
            "high": 0.9,
            "group": {"row": "encoder", "family": "rot", "interval": over},
        }
        for over in ("crops", "photos")
    ]
    alone = {"name": "r2_constant", "value": None, "low": None, "high": None, "group": {}}
    written = {
        "metrics": [*metrics, alone],
        "facts": {"heldout_images": 60, "heldout_photos": 3, "rev": 1},
    }
    folder.evaluations.mkdir(exist_ok=True)
    np.savez(folder.evaluations / f"{NAME}.npz", images=np.arange(3))
    path = folder.evaluations / f"{NAME}.json"
    path.write_text(json.dumps(written))
    found = load_result(folder, name=NAME)
    assert found is not None
    (numbers,) = result_sets(folder)
    assert found.facts == numbers.facts == {"heldout_images": 60, "heldout_sources": 3, "rev": 1}
    r2, constant = found.measurements
    assert (r2.row, r2.group, r2.n) == ("encoder", (("family", "rot"),), 60)
    assert r2.intervals == (Interval("images", 0.1, 0.9), Interval("sources", 0.1, 0.9))
    assert r2.protocol == EvalProtocol("r2", "r2-1", rev=1)
    assert math.isnan(constant.value)
    assert constant.intervals == ()
    assert json.loads(path.read_text()) == written
