"""Why a pipeline run failed: one cause, its evidence, and what to change.

The words are CodePipeline's and CodeBuild's, see
https://docs.aws.amazon.com/codepipeline/latest/userguide/troubleshooting.html and
https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from automation.aws.codebuild import Build, brief, build_of, last_lines
from automation.aws.codepipeline import Action, Run, actions
from automation.aws.ecs import service_deployments
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.diagnosis.evidence import gather
from automation.stack.operations import Session
from infra.names import DEPLOY_STAGE, deploy_actions
from infra.settings.model import Settings
from infra.settings.pipeline_files import pipeline_files

LOG_LINES = 12


@dataclass(frozen=True)
class Failure:
    """What is known about the action at which a run stopped.

    Attributes:
        action: the action.
        build: its build, if it is one.
        logs: the last lines of that build.
    """

    action: Action
    build: Build | None = None
    logs: Sequence[str] = ()

    @property
    def text(self) -> str:
        """All messages of the action in which a cause may be named."""
        message = self.build.message if self.build else ""
        return "\n".join([self.action.words, message, *self.logs])

    @property
    def error(self) -> str:
        """The line of the build's log that names the error; the last line if none does."""
        lines = [line.strip() for line in self.logs if line.strip()]
        named = [line for line in lines if ERROR_LINE.search(line)]
        return (named or lines or ["the log names no error"])[-1]

    @property
    def evidence(self) -> list[str]:
        """The same for a person, without repetitions: the log first, then CodeBuild's words."""
        message = self.build.message if self.build else ""
        words = [] if message and message in self.action.words else [message]
        told = [*self.logs, brief(self.action.words), *map(brief, words)]
        return [line for line in dict.fromkeys(told) if line]


@dataclass(frozen=True)
class Cause:
    """A row of the table of causes.

    Attributes:
        name: short, the same at each run.
        stages: in which it is looked for; none means all.
        pattern: what names it; its groups are values of the sentence.
        sentence: what to say.
        setting: what to change, and how.
    """

    name: str
    stages: frozenset[str]
    pattern: re.Pattern[str]
    sentence: str
    setting: str


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


EVERYWHERE: frozenset[str] = frozenset()
SOURCE, TEST, BUILD = (frozenset({name}) for name in ("Source", "Test", "Build"))
BUILDS = TEST | BUILD

ERROR_LINE = _words(
    r"\berr(or)?\b|fail|denied|not found|no such|cannot|can't|unable|invalid|non-zero code"
    r"|exception|killed|unknown|refused"
)
"""A line of a build's log that names an error, whatever program wrote it."""

COMMAND = r"Error while executing command: (?P<command>.+?)\. Reason: (?P<reason>[^\n(]+)"

CAUSES: tuple[Cause, ...] = (
    Cause(
        "release command failed",
        frozenset({DEPLOY_STAGE}),
        _words(r"The release command failed with exit code (?P<code>\w+)"),
        "The release command ended with exit code {code}, so nothing was released.",
        "fargate-cd:release_command: mend the command, or the image that it runs in; `logs "
        "--build` shows all that it wrote",
    ),
    Cause(
        "permission missing",
        EVERYWHERE,
        _words(r"not authorized to perform:? (?P<action>[a-z0-9-]+:[A-Za-z]+)"),
        "At the stage {stage} the permission for {action} is missing.",
        "infra/policies/pipeline.py: allow {action} on that resource",
    ),
    Cause(
        "branch not found",
        SOURCE,
        _words(
            r"(branch|reference|ref)\b.{0,80}(not found|does not exist|no such)|remote branch"
            r"|find remote ref"
        ),
        "The repository {repository} has no branch {branch}.",
        "push the branch {branch} (`outputs git_remote_url`), or fargate-cd:github_branch: one "
        "that exists",
    ),
    Cause(
        "connection not ready",
        SOURCE,
        _words(r"connection\b.{0,200}(not available|pending)"),
        "The connection to GitHub is not finished.",
        "finish it once in the console (Developer Tools, Connections), which asks GitHub for leave",
    ),
    Cause(
        "repository not readable",
        SOURCE,
        _words(r"."),
        "The pipeline can't read the repository {repository}.",
        "fargate-cd:github_token (or connection_arn): one that may read {repository}; "
        "fargate-cd:github_owner and fargate-cd:github_repository: as at GitHub",
    ),
    Cause(
        "build timed out",
        BUILDS,
        _words(r"TIMED_OUT|BUILD_TIMED_OUT|timed out"),
        "The stage {stage} took longer than a build may.",
        "infra/delivery/build_project.py: MINUTES; or make the commands quicker (`logs --build`)",
    ),
    Cause(
        "buildspec wrong",
        BUILDS,
        _words(r"YAML_FILE_ERROR[^\n]*"),
        "The buildspec of the stage {stage} can't be read.",
        "fargate-cd:test_commands, or infra/delivery/buildspecs/",
    ),
    Cause(
        "tests failed",
        TEST,
        _words(COMMAND),
        "The tests failed: {error} (`{command}` ended with {reason}).",
        "the application, or fargate-cd:test_commands if the command itself is wrong",
    ),
    Cause(
        "image not built",
        BUILD,
        _words(
            COMMAND
            + r".*(?P<step>(ERROR: failed to solve|executor failed running|returned a non-zero code"
            r"|dockerfile parse error|unknown instruction|COPY failed|failed to build)[^\n]*)"
        ),
        "The image was not built: {step}",
        "{dockerfile}: the step that failed stands in the last lines of `logs --build`",
    ),
    Cause(
        "build failed",
        BUILD,
        _words(COMMAND),
        "The image was not built: {error}",
        "{dockerfile}, or what the last lines of `logs --build` name",
    ),
    Cause(
        "build not started",
        BUILDS,
        _words(r"PROVISIONING|account limit|queued|CannotPull|image .*not"),
        "The build of the stage {stage} could not be started.",
        "Service Quotas (CodeBuild, concurrently running builds), or "
        "infra/delivery/build_project.py",
    ),
    Cause(
        "rejected",
        frozenset({"Approval"}),
        _words(r"."),
        "The release was not approved: {words}",
        "nothing here: push another commit, or `run.py pipeline start`",
    ),
)
"""Every cause that can be told, from what names itself to what must be inferred."""


def diagnose_run(session: Session, run: Run) -> Diagnosis:
    """Return the cause of a run's failure.

    Args:
        session: the stack.
        run: a run that failed, was stopped, or was overtaken by a newer one.
    """
    found = actions(session.cloud, session.names.pipeline, run.identity)
    stopped = [action for action in found if action.status in {"Failed", "Abandoned"}]
    if run.status == "Superseded":
        words = "A newer run overtook this one and releases its commit."
        return Diagnosis(words, [run.why] if run.why else [], None, run.identity, "superseded")
    if run.status in {"Stopped", "Cancelled"} and not any(a.error for a in stopped):
        words = f"The run was {run.status.lower()}{': ' + run.why if run.why else ''}."
        return Diagnosis(
            words, [], "`run.py pipeline start` runs it again", run.identity, "stopped"
        )
    if not stopped:
        return Diagnosis(run.why or f"CodePipeline: {run.status}", [], None, run.identity)
    action = stopped[-1]
    if action.category == "Deploy":
        return _deployment(session, action)
    return cause_of(_failure(session, action), session.file.settings)


def cause_of(failure: Failure, settings: Settings) -> Diagnosis:
    """The first cause of the table that fits."""
    action = failure.action
    for cause in CAUSES:
        match = cause.pattern.search(failure.text)
        if match is None or (cause.stages and action.stage not in cause.stages):
            continue
        values = _values(failure, settings) | {
            k: v.strip() for k, v in match.groupdict().items() if v
        }
        return Diagnosis(
            cause=cause.sentence.format_map(values),
            evidence=failure.evidence,
            setting=cause.setting.format_map(values),
            resource=f"{action.stage}/{action.name}",
            name=cause.name,
        )
    words = action.words or f"{action.stage} failed."
    return Diagnosis(words, failure.evidence, None, f"{action.stage}/{action.name}")


def _values(failure: Failure, settings: Settings) -> dict[str, str]:
    folder, dockerfile = pipeline_files(
        settings.app_path, settings.dockerfile, settings.pipeline_app_path
    )
    return {
        "stage": failure.action.stage,
        "words": failure.action.words or "no reason was given",
        "repository": f"{settings.github_owner}/{settings.github_repository}",
        "branch": settings.github_branch,
        "error": failure.error,
        "dockerfile": dockerfile or str(PurePosixPath(folder, "Dockerfile")),
    }


def _failure(session: Session, action: Action) -> Failure:
    if action.category not in {"Build", "Test"} or not action.outside:
        return Failure(action)
    build = build_of(session.cloud, action.outside)
    lines = last_lines(session.cloud, build, LOG_LINES) if build else []
    return Failure(action, build, lines)


def _deployment(session: Session, action: Action) -> Diagnosis:
    """The cause of the deployment that the action started, or else the action's own words."""
    services = session.services
    deployed = dict(zip(deploy_actions(services), services.values(), strict=True))
    service = deployed.get(action.name, session.service)
    started = service_deployments(session.cloud, service, action.began)
    if not started:
        return cause_of(Failure(action), session.file.settings)
    arn = started[-1]["serviceDeploymentArn"]
    facts = gather(session.cloud, service, session.names.log_group, arn, action.words)
    return diagnose(facts, session.file.settings, arn)
