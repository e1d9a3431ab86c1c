"""Previews in the driver: which stack, how long it lives, which are due, what is deleted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pulumi import automation as auto
from pulumi.automation import CommandResult
from rich.console import Console

from automation.commands import destroy as destroying
from automation.commands import prune as pruning
from automation.commands.destroy import Removed
from automation.commands.previews import moment
from automation.commands.prune import Heads, reasons
from automation.engine.progress import Failure
from automation.errors import ConfigurationError, DriverError, UpdateRunning
from automation.previews import preview_stacks
from automation.previews.branches import (
    RemoteUnknown,
    remote_branches,
    remote_name,
    stack_remote,
)
from automation.previews.preview_stacks import PreviewStack, previews_of, readable
from automation.screen import duration
from automation.stack import stack_file
from automation.stack.chosen import stack_of
from automation.stack.engine_failures import resource_failure
from automation.stack.operations import Backend
from automation.stack.target import TARGETS
from infra.ingress.preview_route import free_port
from infra.names import Names, preview_stack
from infra.settings.model import Settings
from infra.shared import Shared
from tests.unit.automation.conftest import Captured

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def preview(
    branch: str = "login",
    left: float = 1.0,
    environment: str = "dev",
    remote: str | None = "origin",
) -> PreviewStack:
    """A preview that has `left` hours left, and whose branch was seen on a remote."""
    return PreviewStack(
        stack=preview_stack(environment, branch),
        environment=environment,
        branch=branch,
        creator="mia",
        remote=remote,
        url="http://127.0.0.1:20000",
        created=NOW - timedelta(hours=5),
        expires=NOW + timedelta(hours=left),
        monthly=7.0,
    )


def test_a_branch_names_a_stack_of_its_environment() -> None:
    assert stack_of("dev", None) == "dev"
    assert stack_of("dev", "login") == "dev-preview-login"
    assert stack_of("dev", "--stack=prod").startswith("dev-preview-stack-prod-")


@pytest.mark.parametrize(("stack", "branch"), [("dev", ""), ("dev", "  "), ("dev-preview-a", "b")])
def test_what_names_no_preview_is_refused(stack: str, branch: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        stack_of(stack, branch)
    assert error.value.exit_code == 2


def test_a_branch_of_any_bytes_is_text() -> None:
    assert readable("a\udcff") == "a\ufffd"
    assert readable("Ü") == "Ü"


def test_a_preview_needs_no_file(project: Path) -> None:
    file = stack_file.load_stack_file("local-preview-login", project)
    assert (file.environment, file.region) == ("local", "us-east-1")
    assert file.settings.preview_of == "local"
    assert (file.settings.desired_count, file.settings.target) == (1, "local")
    assert file.document["config"] == {
        "aws:region": "us-east-1",
        "fargate-cd:preview_of": "local",
    }


def test_a_preview_encrypts_as_its_environment_does(project: Path) -> None:
    path = project / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    keys = {"secretsprovider": "awskms://alias/x", "encryptedkey": "abc"}
    path.write_text(yaml.safe_dump(document | keys))
    found = stack_file.load_stack_file("local-preview-login", project).document
    assert {key: found[key] for key in keys} == keys


@pytest.mark.parametrize("name", ["prod-preview-login", "local-preview"])
def test_a_preview_of_nothing_is_refused(project: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no stack"):
        stack_file.load_stack_file(name, project)


def test_an_environment_with_a_previews_name_is_refused(project: Path) -> None:
    (project / "Pulumi.x-preview.yaml").write_text("config: {}\n")
    with pytest.raises(ConfigurationError) as error:
        stack_file.load_stack_file("x-preview", project)
    assert "must name an environment" in error.value.evidence[0]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": 5}, "0 min"),
        ({"minutes": 59}, "59 min"),
        ({"hours": 3, "minutes": 10}, "3 h 10 min"),
        ({"days": 2, "hours": 23, "minutes": 59}, "2 d 23 h"),
    ],
)
def test_durations_have_two_units(length: dict[str, int], words: str) -> None:
    assert duration(timedelta(**length)) == words


def test_a_moment_is_in_utc_unless_it_says_otherwise() -> None:
    assert moment("2026-11-23T12:00") == NOW
    assert moment("2026-11-23T13:00+01:00") == NOW
    with pytest.raises(ConfigurationError, match="must be a time"):
        moment("tomorrow")


def test_expired_previews_and_those_without_a_branch_are_due() -> None:
    found = [preview("old", -0.1), preview("just", 0), preview("gone"), preview("feature/Ü")]
    due = reasons(found, NOW, Heads("origin", {"old", "just", "feature/Ü", "main"}))
    assert due == {
        "dev-preview-old": "expired on 2026-11-23 11:54 UTC",
        "dev-preview-just": "expired on 2026-11-23 12:00 UTC",
        "dev-preview-gone": "its branch is gone",
    }


def test_without_a_remote_no_branch_is_gone() -> None:
    assert reasons([preview("gone")], NOW, None) == {}


@pytest.mark.parametrize("seen", [None, "octo/other"])
def test_a_branch_that_was_never_on_the_remote_is_not_gone(seen: str | None) -> None:
    found = [preview("unpushed", remote=seen)]
    assert reasons(found, NOW, Heads("octo/shop", {"main"})) == {}
    chosen = reasons(found, NOW, Heads(None, {"main"}))
    assert bool(chosen) == (seen is not None), "a remote that a person names counts for all seen"


def test_a_preview_without_a_label_of_today_lives_as_long_as_its_branch() -> None:
    old = replace(preview("feature/a"), stack="dev-preview-feature-a-0123abcd")
    assert reasons([old], NOW, Heads("origin", {"feature/a"})) == {}


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository with the branches main and feature/a."""
    origin, folder = tmp_path / "origin.git", tmp_path / "clone"
    folder.mkdir()
    git(tmp_path, "init", "--bare", "--initial-branch=main", str(origin))
    git(folder, "init", "--initial-branch=main")
    git(folder, "commit", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", str(origin))
    git(folder, "push", "origin", "main", "main:feature/a")
    return folder


def test_the_branches_of_a_remote(clone: Path) -> None:
    assert remote_branches(clone, "origin") == {"main", "feature/a"}


@pytest.mark.parametrize("remote", ["upstream", "--upload-pack=touch owned", "ext::sh -c id"])
def test_a_remote_that_does_not_answer_is_not_one_without_branches(
    clone: Path, remote: str
) -> None:
    with pytest.raises(RemoteUnknown):
        remote_branches(clone, remote)
    assert not list(clone.glob("owned*"))


OWN = Settings(github_owner="octo", github_repository="shop")


@pytest.mark.parametrize(
    "address",
    [
        "git@github.com:octo/shop.git",
        "ssh://git@github.com/Octo/shop",
        "https://someone:token@github.com/octo/shop.git",
    ],
)
def test_the_remote_of_a_stack_is_reached_as_the_checkout_reaches_it(
    clone: Path, address: str
) -> None:
    assert stack_remote(clone, OWN) == "https://github.com/octo/shop.git"
    git(clone, "remote", "add", "company", address)
    assert stack_remote(clone, OWN) == "company"


def test_origin_is_the_remote_of_a_stack_without_a_repository(clone: Path) -> None:
    assert stack_remote(clone, Settings()) == remote_name(Settings()) == "origin"
    assert remote_name(OWN) == "octo/shop"


@pytest.mark.parametrize(("branch", "seen"), [("feature/a", "origin"), ("unpushed", "")])
def test_an_update_records_where_it_saw_the_branch(
    captured: Captured,
    project: Path,
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
    branch: str,
    seen: str,
) -> None:
    monkeypatch.setattr(preview_stacks.paths, "ROOT", clone)
    monkeypatch.setattr(
        preview_stacks, "load_stack_file", lambda name: stack_file.load_stack_file(name, project)
    )
    opened = session(captured, project, True)
    assert preview_stacks.extended_life(opened, branch, NOW)["preview_remote"] == seen
    known = session(captured, project, False, preview_remote="octo/shop")
    for life in (preview_stacks.extended_life, preview_stacks.kept_life):
        assert life(known, "unpushed", NOW)["preview_remote"] == "octo/shop"


def test_a_remote_without_a_branch_says_nothing(clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--bare", str(tmp_path / "empty.git"))
    with pytest.raises(RemoteUnknown, match="no branches"):
        remote_branches(clone, str(tmp_path / "empty.git"))


class Engine:
    """Answers `stack ls` and `stack export` from memory."""

    def __init__(self, states: Mapping[str, Mapping[str, Any] | None]) -> None:
        self.states = states

    def run(self, arguments: list[str], *_: object, **__: object) -> CommandResult:
        state = self.states[arguments[-1]]
        if state is None:
            raise auto.CommandError(CommandResult(stdout="", stderr="no stack named", code=255))
        return CommandResult(stdout=json.dumps({"deployment": state}), stderr="", code=0)


SEEN = datetime(2026, 11, 23, 10)


def backend(project: Path, captured: Captured, states: Mapping[str, Any]) -> Backend:
    names = [name for name, state in states.items() if state is not None]
    workspace = SimpleNamespace(
        work_dir=str(project),
        env_vars={},
        pulumi_command=Engine(states),
        list_stacks=lambda: [
            SimpleNamespace(name=name, last_update=SEEN) for name in states if name in names
        ],
    )
    file = stack_file.load_stack_file("local", project)
    return Backend(captured.screen, file, TARGETS["local"], workspace)  # type: ignore[arg-type]


def state(**outputs: str) -> dict[str, Any]:
    return {
        "resources": [
            {
                "urn": "urn:pulumi:local::fargate-cd::pulumi:pulumi:Stack::x",
                "custom": False,
                "type": "pulumi:pulumi:Stack",
                "outputs": outputs,
                "created": "2026-11-23T09:00:00Z",
            }
        ]
    }


def test_previews_are_read_from_the_backend(project: Path, captured: Captured) -> None:
    found = previews_of(
        backend(
            project,
            captured,
            {
                "local": state(service_url="http://127.0.0.1"),
                "local-preview-b": state(
                    preview_branch="b",
                    preview_creator="mia",
                    service_url="http://127.0.0.1:20000",
                    preview_expires="2026-11-25T12:00:00+00:00",
                ),
                "local-preview-half": {"resources": []},
                "other-preview-c": state(preview_branch="c"),
            },
        )
    )
    by_name = {each.stack: each for each in found}
    assert by_name.keys() == {"local-preview-b", "local-preview-half"}
    b, half = by_name["local-preview-b"], by_name["local-preview-half"]
    assert (b.branch, b.creator, b.url) == ("b", "mia", "http://127.0.0.1:20000")
    assert b.document(NOW)["age_seconds"] == 3 * 3600
    assert b.document(NOW)["seconds_left"] == 2 * 86400
    assert (half.branch, half.created) == (None, None)
    assert half.expires == SEEN.replace(tzinfo=UTC) + timedelta(hours=72)


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[PreviewStack]:
    """Three previews, of which two have expired, in a world without engine and remote."""
    found = [preview("one", -1), preview("two", -1), preview("three")]
    backend = SimpleNamespace(file=SimpleNamespace(settings=Settings()))
    monkeypatch.setattr(pruning, "connected", lambda *_: backend)
    monkeypatch.setattr(pruning, "previews_of", lambda _: found)
    monkeypatch.setattr(pruning, "_heads", lambda *_: None)
    return found


def removing(monkeypatch: pytest.MonkeyPatch, fates: Mapping[str, Any]) -> list[str]:
    """What `prune` destroyed; a stack's fate is an error, or what became of it."""
    asked: list[str] = []

    def remove(stack: str, _screen: object) -> Removed:
        asked.append(stack)
        fate = fates.get(stack, Removed(8, [], None))
        if isinstance(fate, Exception):
            raise fate
        assert isinstance(fate, Removed)
        return fate

    monkeypatch.setattr(pruning, "remove_stack", remove)
    monkeypatch.setattr(destroying, "remove_stack", remove)
    return asked


AT = NOW.isoformat()


def test_a_dry_run_touches_nothing(
    due: list[PreviewStack], captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = removing(monkeypatch, {})
    assert pruning.prune("dev", captured.screen, dry_run=True, at=AT) == 0
    assert asked == []
    assert "2 due" not in captured.err.getvalue()
    assert "dev: 2 due, 1 kept" in captured.out.getvalue()


def test_prune_without_a_terminal_asks_nothing(due: list[PreviewStack], captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match="add --yes") as error:
        pruning.prune("dev", captured.screen, at=AT)
    assert (error.value.exit_code, "--dry-run" in error.value.message) == (2, True)


@pytest.mark.parametrize(("answer", "destroyed"), [("y", 2), ("n", 0)])
def test_prune_lists_what_will_go_before_it_asks(
    due: list[PreviewStack],
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    destroyed: int,
) -> None:
    asked = removing(monkeypatch, {})
    captured.screen.err = Console(
        file=captured.err, width=200, force_terminal=True, highlight=False
    )

    def answered() -> str:
        shown = captured.err.getvalue()
        assert shown.index("dev-preview-one: expired") < shown.index("Destroy these 2 previews?")
        assert "dev-preview-three" not in shown
        return answer

    terminal = SimpleNamespace(isatty=lambda: True, readline=answered)
    monkeypatch.setattr("sys.stdin", terminal)
    if destroyed:
        assert pruning.prune("dev", captured.screen, at=AT) == 0
    else:
        with pytest.raises(ConfigurationError, match="Nothing was touched"):
            pruning.prune("dev", captured.screen, at=AT)
    assert len(asked) == destroyed


@pytest.mark.parametrize(
    ("fate", "result", "code"),
    [
        (DriverError("no"), "failed", 1),
        (RuntimeError("odd"), "failed", 1),
        (Removed(3, [], DriverError("half")), "failed", 1),
        (UpdateRunning("busy"), "kept", 0),
    ],
)
def test_one_that_fails_does_not_stop_the_others(
    due: list[PreviewStack],
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fate: Any,
    result: str,
    code: int,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    captured.screen.yes = True
    asked = removing(monkeypatch, {"dev-preview-one": fate})
    assert pruning.prune("dev", captured.screen, at=AT) == code
    assert asked == ["dev-preview-one", "dev-preview-two"]
    assert f"{result:<9} dev-preview-one" in captured.out.getvalue()
    assert "destroyed dev-preview-two" in captured.out.getvalue()


def test_prune_takes_no_preview_for_an_environment(captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match="give its environment, dev"):
        pruning.prune("dev-preview-a", captured.screen)


@pytest.fixture
def inhabited(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with two previews."""
    monkeypatch.setattr(
        destroying, "load_stack_file", lambda name: stack_file.load_stack_file(name, project)
    )
    monkeypatch.setattr(destroying, "connected", lambda *_: None)
    monkeypatch.setattr(destroying, "_refuse_shared", lambda *_: None)
    names = ["local-preview-a", "local-preview-b"]
    monkeypatch.setattr(destroying, "preview_names", lambda _: names)


@pytest.mark.usefixtures("inhabited")
def test_an_environment_with_previews_is_not_destroyed(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {})
    with pytest.raises(ConfigurationError, match="--with-previews") as error:
        destroying.destroy("local", captured.screen)
    assert error.value.evidence == ["local-preview-a", "local-preview-b"]
    assert (error.value.exit_code, asked) == (2, [])


@pytest.mark.usefixtures("inhabited")
def test_previews_go_before_their_environment(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {})
    assert destroying.destroy("local", captured.screen, with_previews=True) == 0
    assert asked == ["local-preview-a", "local-preview-b", "local"]


@pytest.mark.usefixtures("inhabited")
def test_an_environment_stays_while_a_preview_does(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {"local-preview-a": Removed(1, [], DriverError("no"))})
    assert destroying.destroy("local", captured.screen, with_previews=True) == 1
    assert asked == ["local-preview-a", "local-preview-b"]


SHARED_PARAMETER = {
    "Name": "/p-local-previews/shared",
    "Value": json.dumps({each.name: "x" for each in fields(Shared)}),
}
"""What the environment tells its previews."""


def session(captured: Captured, project: Path, created: bool, **outputs: str) -> Any:
    file = stack_file.load_stack_file("local-preview-login", project)
    told = {name: auto.OutputValue(value, False) for name, value in outputs.items()}
    return SimpleNamespace(
        file=file,
        created=created,
        screen=captured.screen,
        target=TARGETS["local"],
        outputs=lambda: told,
        remove=lambda: None,
        names=Names("p", "local-preview-login"),
        cloud=SimpleNamespace(pages=lambda *_, **__: [SHARED_PARAMETER]),
    )


def test_another_update_extends_and_keeps_the_creator(captured: Captured, project: Path) -> None:
    old = {
        "preview_branch": "login",
        "preview_creator": "mia",
        "preview_remote": "octo/shop",
        "preview_expires": AT,
    }
    later = NOW + timedelta(hours=10)
    life = preview_stacks.extended_life(session(captured, project, False, **old), None, later)
    assert life == {
        "preview_branch": "login",
        "preview_creator": "mia",
        "preview_remote": "octo/shop",
        "preview_expires": (later + timedelta(hours=72)).isoformat(),
    }
    kept = preview_stacks.kept_life(session(captured, project, False, **old), "login", later)
    assert kept["preview_expires"] == AT


def test_a_preview_without_its_environment_leaves_nothing(
    captured: Captured, project: Path
) -> None:
    opened = session(captured, project, True)
    opened.cloud.pages = lambda *_, **__: []
    removed: list[bool] = []
    opened.remove = lambda: removed.append(True)
    with pytest.raises(ConfigurationError, match="up --stack local"):
        preview_stacks.extended_life(opened, "login", NOW)
    assert removed == [True]


class Busy:
    """An environment's load balancer, and a session whose update meets another preview."""

    def __init__(self, project: Path, captured: Captured, errors: list[DriverError]) -> None:
        self.file = stack_file.load_stack_file("local-preview-login", project)
        self.screen = captured.screen
        self.errors = errors
        self.names = Names("p", "local-preview-login")
        self.cloud = SimpleNamespace(pages=self.pages)

    def pages(self, _service: str, operation: str, _key: str, **_: str) -> list[dict[str, Any]]:
        listener = {"ListenerArn": "listener", "Port": 80}
        rules = [
            {"RuleArn": "a", "Priority": "1500", "IsDefault": False},
            {"RuleArn": "b", "Priority": "default", "IsDefault": True},
        ]
        answers: dict[str, list[dict[str, Any]]] = {
            "describe_listeners": [listener],
            "describe_rules": rules,
            "get_parameters_by_path": [SHARED_PARAMETER],
        }
        return answers[operation]

    def perform(self, _verb: str, _operation: object, beside: object) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


LISTENER = "urn:pulumi:local-preview-login::p::aws:lb/listener:Listener::preview-listener"


def taken(code: str) -> DriverError:
    return resource_failure(Failure(f"creating it\n{code}: it is taken", LISTENER))


@pytest.mark.parametrize("code", ["DuplicateListener", "PriorityInUse"])
def test_a_number_that_another_was_quicker_with_is_left_to_it(
    project: Path, captured: Captured, code: str
) -> None:
    life: dict[str, object] = {}
    busy: Any = Busy(project, captured, [taken(code), taken(code)])
    assert preview_stacks.perform_update(busy, life, lambda *_: None) == "done"
    first = free_port("local-preview-login 1", {})
    second = free_port("local-preview-login 2", {})
    assert (life["preview_port"], first != second) == (second, True)


def test_other_failures_are_not_tried_again(project: Path, captured: Captured) -> None:
    busy: Any = Busy(project, captured, [DriverError("no"), DriverError("again")])
    with pytest.raises(DriverError, match="no"):
        preview_stacks.perform_update(busy, {}, lambda *_: None)


def test_it_gives_up_in_the_end(project: Path, captured: Captured) -> None:
    busy: Any = Busy(project, captured, [taken("DuplicateListener") for _ in range(9)])
    with pytest.raises(DriverError, match="preview-listener"):
        preview_stacks.perform_update(busy, {}, lambda *_: None)
    assert len(busy.errors) == 9 - preview_stacks.PORT_ATTEMPTS
