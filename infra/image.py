"""Which image the service runs: a named one, the running one, or one built from the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from infra import build_context
from infra.running import RunningImage, release_tag
from infra.settings import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

PLATFORMS: Mapping[str, str] = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


@dataclass(frozen=True)
class Release:
    """What a person asked to deploy, beyond the settings.

    Attributes:
        image: deploy this image and build none.
        build: build and deploy the working tree, even where a pipeline releases.
    """

    image: str | None = None
    build: bool = False


@dataclass(frozen=True)
class BuildArgs:
    """How an image is built and where it is pushed to.

    Attributes:
        folder: the build context.
        dockerfile: the Dockerfile.
        architecture: `X86_64` or `ARM64`.
        repository_url: where the image is pushed to.
        running: what runs now.
    """

    folder: Path
    dockerfile: Path
    architecture: str
    repository_url: pulumi.Input[str]
    running: RunningImage | None


class BuiltImage(pulumi.ComponentResource):
    """An image built from a folder, pushed under the hash of its content.

    Each content has a resource of its own, and nothing else makes it build again: neither
    another commit of the same files nor a new password of the registry.

    Attributes:
        uri: the image by digest.
    """

    uri: pulumi.Output[str]

    def __init__(
        self, name: str, args: BuildArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:BuiltImage", name, None, opts)
        platform = PLATFORMS[args.architecture]
        content = build_context.content_hash(args.folder, args.dockerfile, platform)
        release = release_tag(content, args.running)
        token = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOutputOptions(parent=self))
        image = docker.Image(
            f"{name}-{release}",
            image_name=pulumi.Output.concat(args.repository_url, ":", release),
            build=docker.DockerBuildArgs(
                context=str(args.folder),
                dockerfile=str(args.dockerfile),
                platform=platform,
                args={"RELEASE": release, "COMMIT": build_context.commit(args.folder)},
            ),
            registry=docker.RegistryArgs(
                server=args.repository_url,
                username=token.user_name,
                password=pulumi.Output.secret(token.password),
            ),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["build", "registry"]),
        )
        self.uri = image.repo_digest
        self.register_outputs({"uri": self.uri})


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
