"""`python -m automation.engine`, which `make setup` runs beside the installation of packages."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from automation.engine import __main__ as command
from automation.errors import DriverError


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Puts the handlers of the test process back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_tells_what_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "obtain_engine", lambda note: note("building"))
    assert command.main() == 0
    assert capsys.readouterr().err == "building\n"


def test_what_fails_is_left_to_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_note: Callable[[str], None]) -> None:
        raise DriverError("there is no Go")

    monkeypatch.setattr(command, "obtain_engine", fail)
    assert command.main() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_it_started(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Also if its shell has it ignore Ctrl-C, as it does for background processes."""
    ended: list[bool] = []

    def build(_note: Callable[[str], None]) -> None:
        try:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)
        finally:
            ended.append(True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(command, "obtain_engine", build)
    assert command.main() == 1
    assert ended
