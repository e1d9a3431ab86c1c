"""Which image the service runs: a named one, the running one, or one built from the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from infra.image.build_context import BuildContext
from infra.image.commit import commit_of
from infra.image.running_image import RunningImage, release_tag, running_image, tags_of
from infra.names import Names
from infra.settings.model import Settings, SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]

NOTHING_PROMOTED = (
    "fargate-cd:promotion = True: nothing was promoted to this stack yet; name the image by "
    "`up --image` (of another stack: `outputs image_uri --stack NAME`)"
)

PLATFORMS: Mapping[str, str] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


@dataclass(frozen=True)
class Release:
    """What a person asked to deploy, beyond the settings.

    Attributes:
        image: deploy this image and build none.
        build: build and deploy the working tree, even where a pipeline releases.
        runner: runs the release command; None where nobody does.
    """

    image: str | None = None
    build: bool = False
    runner: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Build:
    """An image to build.

    Attributes:
        context: the files.
        platform: Docker's name of the processor.
        tag: under which it is pushed; the same as long as the content is.
    """

    context: BuildContext
    platform: str
    tag: str

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments."""
        return {"RELEASE": self.tag, "COMMIT": commit_of(self.context)}


def choose_image(settings: Settings, release: Release, names: Names) -> str | Build:
    """What to deploy: the image that is named; with a pipeline or promotion the running one;
    else the app.

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
        return running.uri
    if settings.promotion and not release.build:
        raise SettingsError([NOTHING_PROMOTED])
    build = app_build(settings)
    if names.is_preview and running is None:
        running = RunningImage("", taken_tags=tags_of(names.repository))
    return replace(build, tag=release_tag(names.image_tag(build.tag), running))


def app_build(settings: Settings) -> Build:
    """The build of the application under the hash of its content.

    Raises:
        SettingsError: there is nothing to build where the settings say, or a file can't be sent.
    """
    context = BuildContext.read(*build_files(settings.app_path, settings.dockerfile))
    platform = PLATFORMS[settings.architecture]
    return Build(context, platform, context.digest(platform))


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
    folder, dockerfile = build.context.stage()
    token = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOutputOptions(parent=parent))
    return docker.Image(
        f"{name}-{build.tag}",
        image_name=pulumi.Output.concat(args.repository_url, ":", build.tag),
        build=docker.DockerBuildArgs(
            context=str(folder),
            dockerfile=str(dockerfile),
            platform=build.platform,
            args=build.arguments,
        ),
        registry=docker.RegistryArgs(
            server=args.repository_url,
            username=token.user_name,
            password=pulumi.Output.secret(token.password),
        ),
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["build", "registry"]),
    )


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
