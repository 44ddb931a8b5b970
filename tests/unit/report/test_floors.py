"""Sentences about a reconstruction and the floors of its path."""

from __future__ import annotations

from eqspec.nn.readouts.floors import standing
from eqspec.report.floors import (
    floors_block,
    floors_sentence,
    live_phrase,
    reconstruction_sentence,
    shows_nothing,
)
from eqspec.runs.floors import Reconstruction, RunFloors
from tests.unit.nn.test_floors import FLOORS, NO_WAY_BACK

BELOW = [1.0] * 50 + [0.1] * 50
ABOVE = [0.4] * 30
RISEN = [0.1] * 40 + [0.4] * 40
OF = "copying view 2 0.250, knowing it 0.020"


def reconstruction(errors: list[float], *, undone: bool = True) -> Reconstruction:
    floors = FLOORS if undone else NO_WAY_BACK
    stored = RunFloors(term="recon", reduction="mean-over-variance", floors=floors)
    curve = dict(enumerate(errors, start=1))
    return Reconstruction(stored, standing(curve, reduction=stored.reduction, floors=floors))


def ending(errors: list[float]) -> str:
    """The sentence of a run after "recon ends at"."""
    return reconstruction_sentence(reconstruction(errors)).removeprefix("recon ends at ")


def test_sentence_of_a_run() -> None:
    share = "of the pixels' variance"
    floors = f"blind to the transform 0.150, {OF}"
    recent = f"{share} (mean of the last 20 steps); {floors}"
    assert ending(BELOW) == f"0.100 {recent}: below the blind floor since step 69"
    never = "never below the blind floor: so far, it shows no trace of the transform (EQ514)"
    assert ending(ABOVE) == f"0.400 {recent}: {never}"
    assert ending(RISEN) == f"0.400 {recent}: no longer below the blind floor (EQ514)"
    assert ending([0.4]) == f"0.400 {share} (after one step); {floors}: {never}"
    assert ending([]) == f"recon has no step yet; {floors}"


def test_where_no_blind_floor_is_known_it_says_so() -> None:
    one = reconstruction([0.2] * 30, undone=False)
    assert reconstruction_sentence(one) == (
        "recon ends at 0.200 of the pixels' variance (mean of the last 20 steps); copying view 2 "
        "0.250 (the transform cannot be undone, so its blind floor is unknown): below the error of "
        "copying view 2 since step 1"
    )
    assert "below the error of copying view 2" in (
        shows_nothing(reconstruction(ABOVE, undone=False)) or ""
    )
    assert live_phrase("recon", 0.19, NO_WAY_BACK) == "recon 0.190 (copied 0.250)"


def test_only_what_is_above_its_floor_is_warned_of() -> None:
    assert shows_nothing(reconstruction(BELOW)) is None
    assert shows_nothing(reconstruction([])) is None
    never, risen = (shows_nothing(reconstruction(errors)) or "" for errors in (ABOVE, RISEN))
    assert never.startswith("recon was never below the blind floor, 0.400 to 0.150: ")
    assert risen.startswith("recon is no longer below the blind floor, 0.400 to 0.150: ")
    assert never.endswith("(EQ514)")


def test_line_of_the_floors_and_phrase_of_a_step() -> None:
    assert floors_sentence(FLOORS) == (
        "floors of the reconstruction on 8 images, as shares of the pixels' variance: blind to the "
        "transform "
        f"0.150, {OF}"
    )
    assert live_phrase("recon", 0.19, FLOORS) == "recon 0.190 (blind 0.150)"


def test_section_of_a_page() -> None:
    block = floors_block(reconstruction(BELOW))
    assert block.titles == ("", "32 × 32", "8 × 8", "")
    assert [row[:3] for row in block.rows] == [
        ("recon", "0.100", ""),
        ("copied", "0.250", "0.200"),
        ("blind", "0.150", "0.180"),
        ("known", "0.020", "0.100"),
    ]
    assert block.remarks == ("recon is below the blind floor since step 69",)
    assert len(floors_block(reconstruction([])).rows) == 3
