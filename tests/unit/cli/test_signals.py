from __future__ import annotations

import signal

import pytest

from eqspec.cli.signals import StopSignals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_the_second_one_stops(
    number: signal.Signals, status: int
) -> None:
    with StopSignals() as signals:
        assert not signals.wanted
        signal.raise_signal(number)
        assert signals.wanted
        assert signals.exit_status == status
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_at_rest_the_first_signal_stops() -> None:
    with StopSignals() as signals:
        signals.at_rest = True
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signals.exit_status == 143


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with StopSignals():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
