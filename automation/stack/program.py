"""The program that the engine runs, bound to what a person asked to deploy."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pulumi

from automation.errors import ConfigurationError
from automation.stack.stack_file import StackFile
from automation.stack.target import TARGETS

if TYPE_CHECKING:  # it brings the SDKs of all providers
    from infra.image.image import Promotion


def release_program(
    file: StackFile,
    image: str | None,
    build: bool,
    further: Mapping[str, object] | None = None,
    runner: Callable[[Any], None] | None = None,
    promotion: Promotion | None = None,
) -> Callable[[], None]:
    """The whole program for `up` and `preview`, its arguments checked before anything starts.

    Args:
        file: the stack's settings.
        image: deploy this image and build none.
        build: build and deploy the working tree's application.
        further: settings that win over the stack's; read when the program runs.
        runner: runs the release command before the service is created or updated.
        promotion: copies an image of another repository into the stack's own.

    Raises:
        ConfigurationError: the settings, the image's name or the build's files are wrong, or the
            target can't honour a setting.
    """
    settings = file.settings
    target = TARGETS[settings.target]
    target.check(settings)
    if image is not None and not image.strip():
        raise ConfigurationError(
            "--image is empty. If another command was to name the image, it failed: run that one "
            "by itself. Without --image the application is built."
        )
    if image and build:
        raise ConfigurationError("--image and --build exclude each other: which one is deployed?")
    from infra.image.image import Release, build_files
    from infra.settings import rules
    from infra.settings.model import SettingsError

    try:
        if image:
            rules.image(image)
        elif not settings.image:
            build_files(settings.app_path, settings.dockerfile)
    except SettingsError as error:
        raise ConfigurationError("Wrong settings:", error.problems) from error
    except ValueError as error:
        raise ConfigurationError(f"--image {image}: {error}") from error
    release = Release(
        image,
        build,
        runner,
        lambda dockerfile, platform: target.build_arguments(dockerfile, platform, pulumi.log.info),
        promotion,
    )
    loading = ThreadPoolExecutor(1, "load-sdk").submit(load_sdk)

    def program() -> None:
        pulumi.log.debug = unsent
        loading.result()
        from infra.stack import define_stack

        define_stack(release, further)

    return program


def unsent(
    msg: str,
    resource: pulumi.Resource | None = None,
    stream_id: int | None = None,
    ephemeral: bool | None = None,
) -> None:
    """Take the place of `pulumi.log.debug`.

    The SDK waits for the engine at each of its several debug messages for every resource, and the
    engine shows them under `pulumi up --debug` alone.
    """


def load_sdk() -> None:
    """Load the program, and the parts of the SDK that every stack uses.

    That takes more than a second of processor time, `ec2` most of it. The SDK loads a part at the
    first use of one of its names, which is not safe in two threads at once: until this has ended
    only the calling thread may use one of these.

    All of it stays until the end, so it is not looked through for garbage.
    """
    gc.disable()
    try:
        import pulumi_aws as aws

        import infra.stack  # noqa: F401

        _ = (aws.ec2.Vpc, aws.vpc.SecurityGroupIngressRule, aws.lb.Listener)
        _ = (aws.iam.Role, aws.ecr.Repository, aws.ssm.Parameter)
    finally:
        gc.freeze()
        gc.enable()
