"""Pages of `show` and `explain`, and a mistake that is reported once."""

from __future__ import annotations

from tests.command_line import ask


def test_a_card_lists_what_may_be_set_with_the_cards_own_values() -> None:
    page = ask("show", "linear-probe-dino").out
    assert "batch: int = 1024" in page, "the op's default is another"
    assert "images per step." in page


def test_a_value_elsewhere_is_found_by_its_last_key() -> None:
    answer = ask("explain", "quickstart", "train.lr")
    assert answer.status == 2
    assert "did you mean `train.optimizer.params.lr`?" in answer.err


def test_a_share_that_is_too_large_is_one_mistake() -> None:
    answer = ask("check", "quickstart", "--set", "equivariance.split=1.5")
    assert answer.err.count("error[") == 1
    assert "must be less than 1" in answer.err


def test_a_list_with_one_wrong_entry_is_one_mistake() -> None:
    answer = ask("check", "quickstart", "--set", "evaluate.0.with.borders=[nosuch]")
    assert answer.err.count("error[") == 1
    assert "cannot be `nosuch`" in answer.err


def test_a_card_that_is_changed_where_only_its_name_may_stand_is_one_mistake() -> None:
    given = "evaluate.0.with.families={rot: {use: rot, with: {degrees: [0, 10]}}}"
    answer = ask("check", "quickstart", "--set", given)
    assert answer.err.count("error[") == 1
    assert "`{impl: NAME, params: {…}}`" in answer.err
