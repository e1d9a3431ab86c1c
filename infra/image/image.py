"""Which image the service runs: a named one, the running one, or one built from the app."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from infra.image import build_secrets, docker_build
from infra.image.build_context import BuildContext, staged
from infra.image.commit import commit_of
from infra.image.docker_build import Options
from infra.image.running_image import RunningImage, release_tag, running_image, tags_of
from infra.names import BUILT_TAG, Names
from infra.own_outputs import own_outputs
from infra.settings.model import Settings, SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]

NOTHING_PROMOTED = (
    "fargate-cd:promotion = True: nothing was promoted to this stack yet; name the image by "
    "`up --image` (of another stack: `outputs image_uri --stack NAME`)"
)


class Promotion(Protocol):
    """Takes images of other repositories into the stack's own."""

    def digest(self, image: str) -> str | None:
        """The digest of an image that is to be copied; None for one that stays where it is."""

    def copy(self, image: str) -> None:
        """Copy an image, unless it is there."""


MachineArguments = Callable[[Path, str], Mapping[str, str]]
"""From a Dockerfile and a platform to build arguments that the machine needs: a base image."""

PLATFORMS: Mapping[str, str] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


@dataclass(frozen=True)
class Release:
    """What a person asked to deploy, beyond the settings.

    Attributes:
        image: deploy this image and build none.
        build: build and deploy the working tree, even where a pipeline releases.
        runner: runs the release command; None where nobody does.
        machine_arguments: see `Build`.
        promotion: copies what is promoted; None where nobody does, and an image is deployed from
            where it is.
    """

    image: str | None = None
    build: bool = False
    runner: Callable[[Any], None] | None = None
    machine_arguments: MachineArguments = field(default=lambda *_: {}, compare=False)
    promotion: Promotion | None = None


@dataclass(frozen=True)
class Build:
    """An image to build.

    Attributes:
        context: the files.
        platform: Docker's name of the processor.
        tag: under which it is pushed; the same as long as the content is.
        options: build arguments, stage and secrets.
        pushed: an image of this tag is in the registry, so that nothing is built.
        machine_arguments: what this machine adds to a build with secrets, which no provider makes.
    """

    context: BuildContext
    platform: str
    tag: str
    options: Options = field(default_factory=Options)
    pushed: bool = False
    machine_arguments: MachineArguments = field(default=lambda *_: {}, compare=False)

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments."""
        own = {"RELEASE": self.tag, "COMMIT": commit_of(self.context)}
        return {**self.options.arguments, **own}


def choose_image(settings: Settings, release: Release, names: Names) -> str | Build:
    """Choose what to deploy: the named image, the running one, or a build of the app.

    The running one stays with a pipeline or promotion, and where an earlier update has built it
    from the app as it is.

    Args:
        settings: the stack's settings.
        release: what a person asked to deploy.
        names: the stack's names.

    Returns:
        An image, or what to build.

    Raises:
        SettingsError: there is nothing to build where the settings say, or nothing was promoted.
    """
    named = release.image or settings.image
    if named:
        return named
    running = running_image(names)
    if running and settings.keeps_image and not release.build:
        return _last_build(settings, running) or running.uri
    if settings.promotion and not release.build:
        raise SettingsError([NOTHING_PROMOTED])
    build = app_build(settings)
    if names.is_preview and running is None:
        running = RunningImage("", taken_tags=tags_of(names.repository))
    tag = release_tag(names.image_tag(build.tag), running)
    if running and tag in running.tags and own_outputs().get(BUILT_TAG) != tag:
        return running.uri
    pushed = running is not None and tag in running.taken_tags
    return replace(build, tag=tag, pushed=pushed, machine_arguments=release.machine_arguments)


def _last_build(settings: Settings, running: RunningImage) -> Build | None:
    """The image of the state, where it still runs and its files are here.

    The engine deletes from the state what a program doesn't name again, so an update of a stack
    that nobody touched would tell of a change.
    """
    tag = own_outputs().get(BUILT_TAG)
    if tag not in running.tags:
        return None
    try:
        return replace(app_build(settings), tag=str(tag), pushed=True)
    except SettingsError:
        return None


def app_build(settings: Settings) -> Build:
    """The build of the application under the hash of its content and of the build's settings.

    Raises:
        SettingsError: there is nothing to build where the settings say, or a file can't be sent.
    """
    context = BuildContext.read(*build_files(settings.app_path, settings.dockerfile))
    platform = PLATFORMS[settings.architecture]
    options = build_options(settings)
    given = [json.dumps(asdict(options), sort_keys=True)] if options != Options() else []
    return Build(context, platform, context.digest(platform, *given), options)


def build_options(settings: Settings) -> Options:
    """What the settings say about the build."""
    return Options(settings.build_args, settings.build_target, settings.build_secrets)


def promoted(
    image: str, promotion: Promotion | None, repository_url: pulumi.Output[str]
) -> pulumi.Output[str] | None:
    """A promoted image in the stack's own repository, by digest; a preview copies nothing.

    Args:
        image: the image that is named.
        promotion: copies it.
        repository_url: the stack's own repository.

    Returns:
        None for an image that is deployed from where it is.
    """
    digest = promotion.digest(image) if promotion else None
    if promotion is None or digest is None:
        return None
    copy, is_preview = promotion.copy, pulumi.runtime.is_dry_run()

    def own(url: str) -> str:
        if not is_preview:
            copy(image)
        return f"{url}@{digest}"

    return repository_url.apply(own)


@dataclass(frozen=True)
class BuiltImageArgs:
    """How an image is built and where it is pushed to.

    Attributes:
        build: what to build.
        repository_url: where the image is pushed to.
    """

    build: Build
    repository_url: pulumi.Input[str]


class BuiltImage(pulumi.ComponentResource):
    """An image built from a folder, pushed under the hash of its content.

    Each content has a resource of its own, and nothing else makes it build again: neither
    another commit of the same files nor a new password of the registry.

    Attributes:
        uri: the image by digest.
    """

    uri: pulumi.Output[str]

    def __init__(
        self, name: str, args: BuiltImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:BuiltImage", name, None, opts)
        image = built_image(name, args, self)
        self.uri = image.repo_digest
        self.register_outputs({"uri": self.uri})


def built_image(name: str, args: BuiltImageArgs, parent: pulumi.Resource) -> docker.Image:
    """The resource itself, as a child of `parent`; its name ends in the image's tag."""
    build = args.build
    pulumi.export(BUILT_TAG, build.tag)
    folder, dockerfile = build.context.stage()
    arguments, target = build.arguments, build.options.target or None
    if build.options.secrets:
        folder, dockerfile = built_with_secrets(build)
        arguments, target = {}, None
    token = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOutputOptions(parent=parent))
    image = docker.Image(
        f"{name}-{build.tag}",
        image_name=pulumi.Output.concat(args.repository_url, ":", build.tag),
        build=docker.DockerBuildArgs(
            context=str(folder),
            dockerfile=str(dockerfile),
            platform=build.platform,
            args=arguments,
            target=target,
        ),
        registry=docker.RegistryArgs(
            server=args.repository_url,
            username=token.user_name,
            password=pulumi.Output.secret(token.password),
        ),
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["build", "registry"]),
    )
    if _is_made_here(build):
        image.repo_digest.apply(lambda _: docker_build.remove_tag(local_name(build)))
    return image


def _is_made_here(build: Build) -> bool:
    """Whether this update builds it by the `docker` command."""
    return bool(build.options.secrets) and not (build.pushed or pulumi.runtime.is_dry_run())


def local_name(build: Build) -> str:
    """The local name under which a build with secrets is handed to pulumi-docker."""
    return f"fargate-cd-built:{build.tag}"


def built_with_secrets(build: Build) -> tuple[Path, Path]:
    """Build with this machine's `docker` command, since pulumi-docker can't pass secrets on.

    The values go from the cloud to BuildKit and nowhere else. What was built is handed on by its
    name: the folder that is returned has a Dockerfile of one line. A preview builds nothing, nor
    does an update whose image is in the registry.

    Args:
        build: what to build.

    Returns:
        The folder and the Dockerfile from which pulumi-docker makes the image that it pushes.

    Raises:
        pulumi.RunError: the build failed, or no `docker` command here can pass secrets on.
        SettingsError: a secret has no such key.
    """
    if _is_made_here(build):
        values = build_secrets.values(build.options.secrets)
        try:
            make(build, local_name(build), values, build.machine_arguments)
        except docker_build.BuildError as error:
            raise pulumi.RunError("\n  ".join([str(error), *error.evidence])) from error
    return staged(f"FROM {local_name(build)}\n", build.tag)


def make(
    build: Build, name: str, secrets: Mapping[str, str], machine_arguments: MachineArguments
) -> None:
    """Build under a local name, as a trial or with secrets.

    Args:
        build: what to build.
        name: the name.
        secrets: id → value.
        machine_arguments: what this machine adds, unless the build says otherwise.

    Raises:
        BuildError: the build failed, or no `docker` command here can pass secrets on.
    """
    folder, dockerfile = build.context.stage()
    arguments = build.arguments
    if "BASE_IMAGE" not in arguments:
        arguments |= machine_arguments(dockerfile, build.platform)
    target = build.options.target
    docker_build.build(folder, dockerfile, build.platform, name, arguments, target, secrets)


def build_files(app_path: str, dockerfile: str) -> tuple[Path, Path]:
    """The build context and the Dockerfile that the settings name.

    Args:
        app_path: the setting: a folder, from the top of the project.
        dockerfile: the setting: a file, from the top of the project; empty for the folder's own.

    Raises:
        SettingsError: they are not there.
    """
    folder = PROJECT_ROOT / app_path
    file = PROJECT_ROOT / dockerfile if dockerfile else folder / "Dockerfile"
    problems = []
    if not folder.is_dir():
        problems.append(f"fargate-cd:app_path = {app_path!r}: there is no folder {folder}")
    elif not file.is_file():
        problems.append(f"fargate-cd:dockerfile = {dockerfile!r}: there is no file {file}")
    if problems:
        raise SettingsError(problems)
    return folder, file
