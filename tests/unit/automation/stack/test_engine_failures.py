"""A failed command of the engine ends as one cause, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi.automation import CommandResult
from pulumi.automation.errors import CommandError

from automation import paths
from automation.aws.refusals import CLOCK, LOGIN
from automation.engine.progress import Failure
from automation.errors import EngineFailed, NumberTaken, ServiceFailed
from automation.stack.engine_failures import explain
from automation.stack.stack_file import StackFile, load_stack_file

STACK = "urn:pulumi:local::fargate-cd::pulumi:pulumi:Stack::fargate-cd-local"
IMAGE = "urn:pulumi:local::fargate-cd::docker:index/image:Image::image"


@pytest.fixture
def file(project: Path) -> StackFile:
    return load_stack_file("local", project)


def failed(stderr: str) -> CommandError:
    return CommandError(CommandResult("", stderr, 1))


def test_the_resources_own_failure_is_the_cause(file: StackFile) -> None:
    failures = [
        Failure("update failed", STACK),
        Failure("build failed\nStep 4/4 : RUN false\nreturned 1", IMAGE),
    ]
    error = explain(failed("error: update failed"), failures, file)
    assert error.message == "docker:Image image: build failed"
    assert error.evidence == ["Step 4/4 : RUN false", "returned 1"]
    assert error.resource == IMAGE
    assert error.exit_code == 1


SERVICE = "urn:pulumi:local::p::fargate-cd:infra:Service$aws:ecs/service:Service::service-service"
LISTENER = "urn:pulumi:local::p::aws:lb/listener:Listener::preview-listener"


@pytest.mark.parametrize(
    ("urn", "said", "kind"),
    [
        (SERVICE, "creating: it did not stabilize", ServiceFailed),
        (LISTENER, "creating\nDuplicateListener: it is taken", NumberTaken),
        (LISTENER, "creating\nPriorityInUse: it is taken", NumberTaken),
        (IMAGE, "build failed", EngineFailed),
    ],
)
def test_the_class_of_a_failure_tells_what_may_be_done(
    file: StackFile, urn: str, said: str, kind: type[EngineFailed]
) -> None:
    assert type(explain(failed("error: x"), [Failure(said, urn)], file)) is kind


FRAMES = (
    'Traceback (most recent call last):\n  File "/usr/lib/x.py", line 1, in run\n    run()\n'
    f'  File "{paths.ROOT}/infra/a.py", line 7, in zones\n    raise\n'
    f'  File "{paths.ROOT}/.venv/lib/site-packages/pulumi/x.py", line 2, in y\n    z()\n'
)
AGAIN = "\nThe above exception was the direct cause of the following exception:\n\n"


@pytest.mark.parametrize(
    ("said", "traces", "sentence"),
    [
        ("no zone is there", [f"{FRAMES}ValueError: no zone is there\n"], "no zone is there"),
        ("'x'", [f"{FRAMES}KeyError: 'x'\n"], "KeyError: 'x'"),
        (
            "no zone is there",
            [f"{FRAMES}KeyError: 'b'\n", f"{FRAMES}ValueError: no zone is there\n"],
            "no zone is there (KeyError: 'b')",
        ),
        (
            "invoke of aws:a/b:b failed: invocation of aws:a/b:b returned an error: calling "
            "aws:a/b:b: ecr X: NotFound: no such thing",
            [
                f"{FRAMES}Exception: invoke of aws:a/b:b failed: invocation of aws:a/b:b returned "
                "an error: calling aws:a/b:b: ecr X: NotFound: no such thing\n"
            ],
            "ecr X: NotFound: no such thing",
        ),
    ],
)
def test_a_failing_program_shows_its_innermost_cause_in_a_sentence(
    file: StackFile, said: str, traces: list[str], sentence: str
) -> None:
    message = f"python inline source runtime error: {said}\n{AGAIN.join(traces)}"
    error = explain(failed(""), [Failure(message, STACK)], file)
    assert error.message == f"The program failed: {sentence} (in infra/a.py:7, zones)"
    assert error.evidence == []


def test_without_events_the_engines_own_line_is_the_cause(file: StackFile) -> None:
    error = explain(failed("warning: x\nerror: getting secrets manager: no"), [], file)
    assert error.message == "getting secrets manager: no"


@pytest.mark.parametrize(
    ("stderr", "word"),
    [
        ("error: incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "pulumi login"),
        ("error: no resource plugin 'pulumi-resource-aws'", "pulumi plugin install"),
    ],
)
def test_a_wrong_set_up_is_the_persons_to_mend(file: StackFile, stderr: str, word: str) -> None:
    error = explain(failed(stderr), [], file)
    assert word in error.message
    assert error.exit_code == 2


def test_a_damaged_state_names_the_newest_backup(
    file: StackFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}?metadata=skip")
    stderr = "error: failed to load checkpoint: unexpected end of JSON input"
    assert "local.json.bak'" in explain(failed(stderr), [], file).message
    backups = tmp_path / ".pulumi" / "backups" / "fargate-cd" / "local"
    backups.mkdir(parents=True)
    for number in (1, 2):
        (backups / f"local.{number}.json").write_text("{}")
    error = explain(failed(stderr), [], file)
    message = error.message
    assert len(error.evidence) == 1
    assert error.evidence[0].endswith(stderr)
    state = tmp_path / ".pulumi" / "stacks" / "fargate-cd" / "local.json"
    assert f"cp '{backups}/local.2.json' '{state}'" in message
    assert "nothing was touched" in message


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "SIGKILL (a machine that is out of memory"), (-15, "SIGTERM before")]
)
def test_an_engine_that_was_killed_is_said_so(code: int, words: str, file: StackFile) -> None:
    printed = "Updating (local):\n    pulumi:pulumi:Stack s running A note.\n"
    printed += " ++ aws:ecs:TaskDefinition t created replacement (0.12s)\n"
    printed += " ~  aws:ecs:Service service-service updating (0s) [diff: ~cpu]\n"
    error = explain(CommandError(CommandResult(printed, "", code)), [], file)
    assert f"The Pulumi engine was ended by {words}" in error.message
    assert "Run the same command again" in error.message
    assert [line.split()[2] for line in error.evidence] == ["t", "service-service"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("api error ExpiredTokenException: The security token is expired", LOGIN),
        ("get credentials: failed to refresh cached credentials, no EC2 IMDS role found", LOGIN),
        ("api error SignatureDoesNotMatch: Signature expired: 2026 is now earlier", CLOCK),
        ("ecs UpdateService: RequestTimeTooSkewed: The difference is too large", CLOCK),
    ],
)
def test_a_request_that_comes_too_late_is_told_with_the_remedy(
    file: StackFile, said: str, words: str
) -> None:
    message = f"1 error occurred:\n\t* updating ECS Service: operation error ECS, {said}"
    error = explain(failed("error: update failed"), [Failure(message, SERVICE)], file)
    assert type(error) is EngineFailed, "ECS has not judged it"
    assert words in error.message
    assert "run the same command again" in error.message
    assert said in error.evidence[-1]
    assert words in explain(failed(f"error: reading the state: {said}"), [], file).message
