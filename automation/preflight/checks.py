"""What can be known to fail, found out before anything is touched.

Each row of CHECKS asks one question and answers with what is wrong. What can't be asked, for want
of a permission or of a way, is no fault; it is told and left to the update itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, Cloud, error_code
from automation.aws.ecr import Found, look_up_in_ecr
from automation.diagnosis.diagnosis import Diagnosis
from automation.errors import ConfigurationError
from automation.preflight import encryption, permissions, quotas, smoke_test
from automation.preflight.plan import Flight, plan
from automation.preflight.zones import zones
from automation.stack.operations import Session


def check(session: Session, image: str | None, build: bool, smoke: bool) -> None:
    """Ask every question; what is wrong is told all at once.

    Args:
        session: the open stack.
        image: `--image`.
        build: `--build`.
        smoke: run the container once where Docker is present.

    Raises:
        ConfigurationError: something would fail; nothing was touched.
        DriverError: the application can't be built.
    """
    flight = plan(session, image, build)
    found = [problem for ask in CHECKS for problem in ask(flight)]
    if not found and smoke:
        found = list(smoke_test.run(flight))
    if found:
        lines = [line for problem in found for line in _told(problem)]
        raise ConfigurationError("This would fail, so nothing was touched:", lines)


def _told(problem: Diagnosis) -> Iterator[str]:
    yield problem.cause
    yield from (f"  {line}" for line in problem.evidence)
    if problem.setting:
        yield f"  Change: {problem.setting}"


def _image(flight: Flight) -> Iterator[Diagnosis]:
    """Whether the named image exists, and is built for the stack's architecture."""
    if flight.image is None:
        return
    found = look_up_in_ecr(flight.cloud, flight.image) or _elsewhere(flight)
    named = f"The image {flight.image}"
    if found.exists is None and flight.session.target.own_docker:
        yield Diagnosis(
            f"{named} can't be had by this machine's Docker engine, which runs the tasks: "
            f"{found.why}.",
            setting="fargate-cd:image (or --image): an image that can be pulled here, or one of "
            "this engine's own",
            name="no route to an endpoint",
        )
    elif found.exists is None:
        flight.session.screen.note(f"{named} can't be looked up from here: {found.why}")
    elif not found.exists:
        yield Diagnosis(
            f"{named} does not exist: {found.why}.",
            setting="fargate-cd:image (or --image): an image that exists; leave it out to build "
            "the app",
            name="image not found",
        )
    elif found.architectures and flight.architecture not in found.architectures:
        built = ", ".join(sorted(found.architectures))
        yield Diagnosis(
            f"{named} is built for {built}, and the tasks are {flight.settings.architecture}.",
            setting="fargate-cd:architecture: set it to the image's own, or build the image for "
            f"linux/{flight.architecture}",
            name="image for another architecture",
        )


def _elsewhere(flight: Flight) -> Found:
    if flight.docker is None or flight.image is None:
        return Found(None, why="it is not in this account's ECR, and no Docker engine is here")
    own = flight.session.target.own_docker
    return smoke_test.look_up(flight.docker, flight.image, own)


def _secrets(flight: Flight) -> Iterator[Diagnosis]:
    """Whether every secret resolves, with the key or the version that is named."""
    for name, arn in sorted(flight.settings.secrets.items()):
        read = _parameter if ":ssm:" in arn else _secret
        try:
            why = read(flight.cloud, arn)
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
            flight.session.screen.note(f"The secret {name} can't be looked up: you may not read it")
            continue
        if why:
            yield Diagnosis(
                f"The secret {name} can't be read: {why}.",
                [arn],
                "fargate-cd:secrets: ARNs of secrets that exist, with the value or key that is "
                "named",
                name="secret not readable",
            )


def _secret(cloud: Cloud, arn: str) -> str | None:
    """`arn:…:secret:NAME[:JSON-KEY:VERSION-STAGE:VERSION-ID]`; the value is read for a key only."""
    parts = arn.split(":")
    key, stage, version = [*parts[7:], "", "", ""][:3]
    client = cloud.client("secretsmanager")
    identity = ":".join(parts[:7])
    try:
        described = client.describe_secret(SecretId=identity)
        if described.get("DeletedDate"):
            return "it is about to be deleted"
        if not (key or stage or version):
            return None
        version_arguments = {"VersionStage": stage, "VersionId": version}
        given = {name: value for name, value in version_arguments.items() if value}
        text = client.get_secret_value(SecretId=identity, **given).get("SecretString", "")
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return "it does not exist"
    return _missing_key(text, key)


def _missing_key(text: str, key: str) -> str | None:
    """What is wrong with a secret's value, if a key of it is wanted."""
    if not key:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return f"its value is not JSON, and the key {key} is wanted"
    known = isinstance(value, dict) and key in value
    return None if known else f"its value has no key {key}"


def _parameter(cloud: Cloud, arn: str) -> str | None:
    path = arn.partition(":parameter/")[2]
    names = [f"/{path}" if "/" in path else path]
    found = cloud.client("ssm").get_parameters(Names=names)
    return None if found["Parameters"] else "there is no such parameter"


CHECKS: tuple[Callable[[Flight], Iterator[Diagnosis]], ...] = (
    _image,
    _secrets,
    zones,
    encryption.key_of_images,
    quotas.quotas,
    permissions.permissions,
)
