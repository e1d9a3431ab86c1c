"""Lines of containers as events of CloudWatch Logs."""

from types import SimpleNamespace

import pytest

from localcloud.ecs.agent import logs as agent_logs
from localcloud.ecs.agent.logs import LARGEST_EVENT_BYTES, Logs, _batches

AT = "2026-11-28T00:00:0{}.000000000Z"


def read(followed, then=(), since=None):
    """The lines that are queued when Docker hands out these pieces."""
    container = SimpleNamespace(name="app", logged_until=since)
    task = SimpleNamespace(id="t", containers=[container])
    stream = agent_logs._Stream(task, "", "app", "", "s", "")  # type: ignore[arg-type]
    api = SimpleNamespace(logs=lambda *_, follow, **__: iter(followed if follow else then))
    runtime = SimpleNamespace(client=SimpleNamespace(api=api))
    Logs(None, runtime, None)._read(stream, "c")  # type: ignore[arg-type]
    found = []
    while (line := stream.lines.get()) is not None:
        found.append((line[0][18], line[1]))
    return found


def piece(second, text):
    return f"{AT.format(second)} {text}".encode()


READS = {
    "lines": ([piece(1, "a b\n"), piece(2, "c\r\n")], [("1", "a b"), ("2", "c")]),
    "pieces of one line": ([piece(1, "a"), piece(1, "b"), piece(1, "c\n")], [("1", "abc")]),
    "pieces of two streams": (
        [piece(1, "a"), piece(2, "x"), piece(1, "b\n"), piece(2, "y\n")],
        [("1", "ab"), ("2", "xy")],
    ),
    "no end": ([piece(1, "a\n"), piece(2, "b")], [("1", "a"), ("2", "b")]),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("pieces", "lines"), READS.values(), ids=READS)
def test_pieces_become_lines(pieces, lines):
    assert read(pieces) == lines


def test_the_last_line_that_comes_late_is_read_once():
    assert read([piece(1, "a\n")], [piece(1, "a\n"), piece(2, "b\n")]) == [("1", "a"), ("2", "b")]


def test_after_a_restart_what_was_sent_is_not_sent_again():
    pieces = [piece(1, "a\n"), piece(2, "b\n")]
    assert read(pieces, pieces, since=AT.format(1)) == [("2", "b")]


def test_nothing_of_a_long_line_is_dropped():
    line = "é" * LARGEST_EVENT_BYTES
    batches = list(_batches([(AT.format(1), line), (AT.format(0), "first")]))
    messages = [event["message"] for batch in batches for event in batch]
    assert messages[0] == "first"
    assert "".join(messages[1:]) == line
    assert max(len(message.encode()) for message in messages) <= LARGEST_EVENT_BYTES


def test_a_request_stays_below_its_limit():
    batches = list(_batches([(AT.format(1), "x" * 200_000) for _ in range(12)]))
    sizes = [sum(len(event["message"]) + 26 for event in batch) for batch in batches]
    assert (sum(map(len, batches)), max(sizes) <= 1024 * 1024) == (12, True)
