"""What a build does in each of its phases."""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import IO, Any
from urllib.parse import urlsplit

from localcloud.codebuild import artifacts, source
from localcloud.codebuild.buildspec import Artifact, Buildspec, Phase, parse
from localcloud.codebuild.container import (
    BUILD_LABEL,
    COMPUTE,
    INSTANCE_LABEL,
    SCRATCH,
    Container,
    Settings,
    exports,
    script,
    tar_of,
)
from localcloud.codebuild.core import Core
from localcloud.codebuild.environment import collected, own_variables
from localcloud.codebuild.errors import PhaseError
from localcloud.codebuild.image import CURATED, BuildImages, check_runtimes, machine
from localcloud.codebuild.logs import BuildLog
from localcloud.codebuild.model import Build
from localcloud.shared.base_image import proxies

OUTPUT = "codebuild/output"


class Stages:
    """The work of one build.

    Args:
        core: what the parts share.
        images: what builds run in.
        build: its record.
        log: its log.

    Attributes:
        buildspec: known after `download`.
        succeeding: CODEBUILD_BUILD_SUCCEEDING of the commands to come.
    """

    def __init__(self, core: Core, images: BuildImages, build: Build, log: BuildLog) -> None:
        self._core, self._images, self._build, self._log = core, images, build, log
        self._lock = threading.Lock()
        self._container: Container | None = None
        self._abandoned = False
        self._directory = f"/{OUTPUT}/src{int(build.uuid[:8], 16)}/src"
        self.buildspec = Buildspec()
        self.succeeding = True

    def abandon(self) -> None:
        """Remove the container, and let none be made any more; from any thread."""
        with self._lock:
            self._abandoned = True
            container = self._container
        if container is not None:
            container.remove()

    def provision(self) -> None:
        """The log, the image and the container.

        Raises:
            PhaseError: one can't be had.
        """
        self._log.open()
        self._log.say("Waiting for agent ping")
        environment = self._build.shape["environment"]
        if machine() != environment["type"]:
            raise PhaseError(
                "PROVISIONING_ERROR",
                f"This machine runs builds of the type {machine()}, not {environment['type']}; "
                "set the architecture accordingly, or build on AWS",
            )
        if environment["computeType"] not in COMPUTE:
            raise PhaseError(
                "PROVISIONING_ERROR",
                f"The local cloud has no compute type {environment['computeType']}; it has "
                f"{', '.join(COMPUTE)}",
            )
        here = self._core.surroundings
        container = Container(
            Settings(
                name=f"fargate-cd-{here.instance}-build-{self._build.uuid}",
                image=self._image(),
                labels={INSTANCE_LABEL: here.instance, BUILD_LABEL: self._build.arn},
                compute=environment["computeType"],
                privileged=environment["privilegedMode"],
                network=here.docker_network,
            )
        )
        with self._lock:
            self._container = container
            abandoned = self._abandoned
        if abandoned:
            container.remove()

    def _image(self) -> str:
        environment = self._build.shape["environment"]
        image = environment["image"]
        if image.startswith(CURATED):
            return self._images.curated()
        as_role = environment.get("imagePullCredentialsType") == "SERVICE_ROLE"
        ours = image.startswith(f"{self._core.surroundings.registry_host}/")
        return self._images.named(
            image, self._core.client(self._build, "ecr") if as_role or ours else None
        )

    def download(self) -> None:
        """The sources, the buildspec, the variables and the commands, into the container.

        Raises:
            PhaseError: one can't be had, or is wrong.
        """
        self._log.say("Waiting for DOWNLOAD_SOURCE")
        shape = self._build.shape
        folders = ["codebuild", OUTPUT, SCRATCH.strip("/")]
        self._put("/", tar_of({}, tuple(folders)))
        extracted = self._extract(shape["source"], shape.get("sourceVersion"), self._directory)
        own = own_variables(self._build, self._directory, self._core.surroundings.account)
        self._log.say(f"CODEBUILD_SRC_DIR={self._directory}")
        for number, one in enumerate(shape.get("secondarySources", []), 1):
            name = one["sourceIdentifier"]
            folder = f"{self._directory.removesuffix('/src')}{number}/src"
            self._extract(one, None, folder)
            own[f"CODEBUILD_SRC_DIR_{name}"] = folder
            self._log.say(f"CODEBUILD_SRC_DIR_{name}={folder}")
        self.buildspec = parse(extracted)
        check_runtimes(shape["environment"]["image"], self.buildspec.runtimes)
        self._prepare_commands(own)

    def _extract(self, one: Mapping[str, Any], version: str | None, folder: str) -> str:
        """Have a source in a folder of the container; returns the buildspec that it has."""
        parent, _, name = folder.strip("/").rpartition("/")
        self._put("/", tar_of({}, (parent, f"{parent}/{name}")))
        archive = source.download(one, version, self._core.client(self._build, "s3"))
        if archive is None:
            return source.buildspec_text(one, None)
        with archive:
            self._put(f"/{parent}", source.as_tar(archive, name))
            return "" if "sourceIdentifier" in one else source.buildspec_text(one, archive)

    def _prepare_commands(self, own: Mapping[str, str]) -> None:
        """The variables and the commands, as files in the container."""
        variables = collected(
            self._build, self.buildspec, own, lambda name: self._core.client(self._build, name)
        )
        self._log.mask(variables.secret)
        of_this_machine = self._of_this_machine(variables.values)
        values = {**self._of_this_cloud(), **variables.values, **of_this_machine}
        files = {"env.sh": exports(values), "dir.txt": self._directory}
        self._log.say(f"Phases found in YAML: {len(self.buildspec.phases)}")
        for name, phase in self.buildspec.phases.items():
            files |= {f: script(c) for f, c in _scripts(name, phase.commands)}
            files |= {f: script(c) for f, c in _scripts(f"{name}-finally", phase.finally_commands)}
            self._log.say(f" {name.upper()}: {len(phase.commands)} commands")
        self._put(SCRATCH, tar_of(files))

    def _of_this_cloud(self) -> dict[str, str]:
        """How a container finds the local cloud."""
        here = self._core.surroundings
        seen_from_network = f"http://{here.docker_gateway}:{urlsplit(here.api_url).port}"
        privileged = self._build.shape["environment"]["privilegedMode"]
        token = self._build.token
        return {
            "AWS_ENDPOINT_URL": here.api_url if privileged else seen_from_network,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._core.credentials_url}{token}",
        }

    def _of_this_machine(self, variables: Mapping[str, str]) -> dict[str, str]:
        """What this machine adds to the build of an image: a base image, and its proxies.

        Raises:
            PhaseError: nothing here can stand in for the Dockerfile's base.
        """
        if not (self._build.shape["environment"]["privilegedMode"] and "APP_PATH" in variables):
            return {}
        options = json.loads(variables.get("BUILD_OPTIONS", "[]"))
        added = [f"--build-arg={name}={value}" for name, value in proxies().items()]
        base = {} if "BASE_IMAGE" in variables else self._base_image(variables, options)
        return {**base, **({"BUILD_OPTIONS": json.dumps([*added, *options])} if added else {})}

    def _base_image(self, variables: Mapping[str, str], options: list[str]) -> dict[str, str]:
        """What stands in for the base of the Dockerfile that the project's variables name."""
        if any(each.startswith("--build-arg=BASE_IMAGE=") for each in options):
            return {}
        file = variables.get("DOCKERFILE") or f"{variables['APP_PATH']}/Dockerfile"
        packed = self._inside.get(f"{self._directory}/{file}")
        if packed is None:
            return {}  # Docker itself says that there is none
        with packed, tarfile.open(fileobj=packed) as archive:
            content = archive.extractfile(archive.next() or "")
            if content is None:
                return {}
            return self._images.argument_for(content.read().decode(errors="replace"))

    @property
    def _inside(self) -> Container:
        if self._container is None or self._abandoned:
            raise PhaseError("CLIENT_ERROR", "The build's container is gone", "FAULT")
        return self._container

    def _put(self, folder: str, files: IO[bytes]) -> None:
        with files:
            self._inside.put(folder, files)

    def run(self, name: str, phase: Phase) -> None:
        """The commands of a phase until one fails, then those that always run.

        Raises:
            PhaseError: one failed.
        """
        failure: PhaseError | None = None
        for file, command in _scripts(name, phase.commands):
            failure = self._command(file, command)
            if failure is not None:
                break
        for file, command in _scripts(f"{name}-finally", phase.finally_commands):
            failure = self._command(file, command) or failure
        if failure is not None:
            raise failure

    def _command(self, file: str, command: str) -> PhaseError | None:
        shown = command.strip()
        self._log.say(f"Running command {shown}")
        status = self._inside.run(
            self.buildspec.shell, f"{SCRATCH}/{file}", self.succeeding, self._log.take
        )
        if status == 0:
            return None
        why = "the container went away" if status is None else f"exit status {status}"
        self._log.say(f"Command did not exit successfully {shown} {why}")
        return PhaseError(
            "COMMAND_EXECUTION_ERROR", f"Error while executing command: {shown}. Reason: {why}"
        )

    def upload(self) -> None:
        """The exported variables, and the artifacts to S3.

        Raises:
            PhaseError: an artifact is not there, or S3 refuses it.
        """
        self._export()
        shown = []
        for settings in self._build.artifacts:
            if settings["type"] == "S3":
                artifact = self._artifact(settings.get("artifactIdentifier", ""))
                shown.append(_shown(settings, self._upload(settings, artifact)))
        with self._core.store.lock:
            for row in shown:
                if "artifactIdentifier" in row:
                    self._build.shape.setdefault("secondaryArtifacts", []).append(row)
                else:
                    self._build.shape["artifacts"] = row

    def _artifact(self, identifier: str) -> Artifact:
        secondary = self.buildspec.secondary_artifacts.get(identifier)
        found = secondary if identifier else self.buildspec.artifact
        if found is None:
            kind = f"secondary artifact {identifier}" if identifier else "primary artifact"
            raise PhaseError("CLIENT_ERROR", f"no definition for {kind} in buildspec")
        return found

    def _upload(self, settings: Mapping[str, Any], artifact: Artifact) -> artifacts.Upload:
        named = dict(settings)
        if settings.get("overrideArtifactName") and artifact.name:
            named["name"] = self._expanded(artifact.name)
        target = artifacts.place(
            named, self._build.project, self._build.uuid, self._build.shape["encryptionKey"]
        )
        root, base = self._directory, self._expanded(artifact.base_directory)
        if base.startswith("/"):
            root, base = base, "."
        archive = self._inside.get(root)
        if archive is None:
            raise PhaseError("CLIENT_ERROR", f"no matching base directory path found for {root}")
        with archive:
            chosen = replace(artifact, base_directory=base)
            s3 = self._core.client(self._build, "s3")
            return artifacts.upload(archive, chosen, target, s3, self._log.say)

    def _expanded(self, text: str) -> str:
        """A text as the shell expands it, with the variables that the build left."""
        if "$" not in text and "`" not in text:
            return text
        return self._said(f'printf %s "{text}"').strip()

    def _export(self) -> None:
        """The exported variables, as the build left them."""
        wanted = self.buildspec.exported
        if not wanted:
            return
        said = self._said(" ".join(["printf '%s\\0'", *(f'"${{{name}-}}"' for name in wanted)]))
        with self._core.store.lock:
            self._build.shape["exportedEnvironmentVariables"] = [
                {"name": name, "value": value}
                for name, value in zip(wanted, said.split("\0"), strict=False)
            ]

    def _said(self, command: str) -> str:
        """What a command prints that sees the variables."""
        said = bytearray()
        self._put(SCRATCH, tar_of({"ask.sh": f". {SCRATCH}/env.sh\n{command}\n"}))
        status = self._inside.run(
            self.buildspec.shell, f"{SCRATCH}/ask.sh", self.succeeding, said.extend
        )
        text = said.decode("utf-8", "replace")
        if status != 0:
            raise PhaseError("CLIENT_ERROR", f"{command} can't be evaluated: {text}")
        return text


def _scripts(prefix: str, commands: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each command with the name of its script."""
    for number, command in enumerate(commands, 1):
        yield f"{prefix}-{number}.sh", command


def _shown(settings: Mapping[str, Any], upload: artifacts.Upload) -> dict[str, Any]:
    """An artifact as the API shows it."""
    row = {
        "location": upload.location,
        "encryptionDisabled": bool(settings.get("encryptionDisabled")),
        "overrideArtifactName": bool(settings.get("overrideArtifactName")),
    }
    if upload.sha256:
        row |= {"sha256sum": upload.sha256, "md5sum": upload.md5}
    if settings.get("artifactIdentifier"):
        row["artifactIdentifier"] = settings["artifactIdentifier"]
    return row
