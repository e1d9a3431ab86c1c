"""Runs all preflight checks before anything is changed.

Each row of CHECKS asks one question and answers with what is wrong. What can't be asked, for want
of a permission or of a way, is no fault; it is told and left to the update itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, error_code
from automation.aws.ecr import ABSENT, Found, look_up_in_ecr, reference_of
from automation.diagnosis.diagnosis import Diagnosis
from automation.errors import ConfigurationError
from automation.preflight import encryption, first_use, permissions, quotas, secrets, smoke_test
from automation.preflight.place import place
from automation.preflight.plan import Plan, plan
from automation.preflight.zones import zones
from automation.stack.operations import Session


def check(session: Session, image: str | None, build: bool, smoke: bool) -> None:
    """Run every check and report all problems together.

    Args:
        session: the open stack.
        image: `--image`.
        build: `--build`.
        smoke: run the container once where Docker is present.

    Raises:
        ConfigurationError: something would fail; nothing was touched.
        DriverError: the application can't be built.
    """
    planned = plan(session, image, build)
    found = [problem for ask in CHECKS for problem in ask(planned)]
    if not found and smoke:
        found = list(smoke_test.run(planned))
    if found:
        lines = [line for problem in found for line in _told(problem)]
        raise ConfigurationError("This would fail, so nothing was touched:", lines)


def _told(problem: Diagnosis) -> Iterator[str]:
    yield problem.cause
    yield from (f"  {line}" for line in problem.evidence)
    if problem.setting:
        yield f"  Change: {problem.setting}"


def _image(planned: Plan) -> Iterator[Diagnosis]:
    """Whether the image that is deployed exists, and is built for the stack's architecture."""
    if planned.existing is None:
        return
    found = look_up_in_ecr(planned.cloud, planned.existing) or _elsewhere(planned)
    if not found.exists and _is_copied(planned, planned.existing):
        return
    named = f"The image {planned.existing}"
    if found.exists is None and planned.session.target.own_docker:
        yield Diagnosis(
            f"{named} can't be had by this machine's Docker engine, which runs the tasks: "
            f"{found.why}.",
            setting="fargate-cd:image (or --image): an image that can be pulled here, or one of "
            "this engine's own",
            name="no route to an endpoint",
        )
    elif found.exists is None:
        planned.session.screen.note(f"{named} can't be looked up from here: {found.why}")
    elif not found.exists:
        yield Diagnosis(
            f"{named} does not exist: {found.why}.",
            setting="`up --build` builds the files in app_path; `up --image` names another image"
            if planned.kept
            else "fargate-cd:image (or --image): an image that exists; leave it out to build "
            "the app",
            name="image not found",
        )
    elif found.architectures and planned.architecture not in found.architectures:
        built = ", ".join(sorted(found.architectures))
        yield Diagnosis(
            f"{named} is built for {built}, and the tasks are {planned.settings.architecture}.",
            setting="fargate-cd:architecture: set it to the image's own, or build the image for "
            f"linux/{planned.architecture}",
            name="image for another architecture",
        )


def _is_copied(planned: Plan, image: str) -> bool:
    """Whether the stack's own repository has the image already, by its digest."""
    reference = reference_of(image)
    if reference is None or not reference.digest:
        return False
    try:
        answer = planned.cloud.client("ecr").batch_get_image(
            repositoryName=planned.session.names.repository,
            imageIds=[{"imageDigest": reference.digest}],
        )
    except ClientError as error:
        if error_code(error) not in NO_ANSWER | ABSENT:
            raise
        return False
    return bool(answer["images"])


def _sidecars(planned: Plan) -> Iterator[Diagnosis]:
    """Whether the sidecars' images in ECR exist and are built for the stack's architecture."""
    for name, sidecar in planned.settings.sidecars.items():
        found = look_up_in_ecr(planned.cloud, sidecar.image) or Found(None)
        named = f"The image {sidecar.image} of the sidecar {name}"
        setting = f"fargate-cd:sidecars: {name}: image"
        if found.exists is False:
            yield Diagnosis(
                f"{named} does not exist: {found.why}.",
                setting=f"{setting}: one that exists",
                name="image not found",
            )
        elif found.architectures and planned.architecture not in found.architectures:
            yield Diagnosis(
                f"{named} is built for {', '.join(sorted(found.architectures))}, and the tasks are "
                f"{planned.settings.architecture}.",
                setting=f"{setting}: one for linux/{planned.architecture}",
                name="image for another architecture",
            )


def _elsewhere(planned: Plan) -> Found:
    if planned.docker is None or planned.existing is None:
        return Found(None, why="it is not in this account's ECR, and no Docker engine is here")
    own = planned.session.target.own_docker
    return smoke_test.look_up(planned.docker, planned.existing, own)


CHECKS: tuple[Callable[[Plan], Iterator[Diagnosis]], ...] = (
    _image,
    _sidecars,
    secrets.readable,
    zones,
    place,
    encryption.key_of_images,
    quotas.quotas,
    first_use.service_linked_roles,
    first_use.connection,
    permissions.permissions,
)
