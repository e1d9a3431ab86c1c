"""The words of a command, as google/shlex splits them for AWS's agent."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.ecs.agent.command_line import UnfinishedCommandError, split

SPLIT = [
    ("one two", ["one", "two"]),
    ("  one\t\r\ntwo  ", ["one", "two"]),
    ("", []),
    ("echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]),
    ("''", [""]),
    ("a'b'\"c\"", ["abc"]),
    ("'a\\b'", ["a\\b"]),
    ('"a\\b\\$"', ["ab$"]),
    ("'a\"b' \"a'b\"", ['a"b', "a'b"]),
    ("echo $HOME; false && x | y > z", ["echo", "$HOME;", "false", "&&", "x", "|", "y", ">", "z"]),
    ("a # b\nc", ["a", "c"]),
    ("a#b '#'c", ["a#b", "#c"]),
    ("a\nprintf '<%s>' $?", ["a", "printf", "<%s>", "$?"]),
]


@pytest.mark.parametrize(("command", "words"), SPLIT)
def test_the_words(command, words):
    assert split(command) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [("a 'b", "closing quote"), ('a "b\\"', "closing quote"), ("a \\", "escape character")],
)
def test_an_unfinished_command_is_refused(command, words):
    with pytest.raises(UnfinishedCommandError, match=words):
        split(command)


@given(st.lists(st.text()))
def test_what_is_quoted_arrives_as_it_is(words):
    assert split(shlex.join(words)) == words
