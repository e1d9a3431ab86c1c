"""One build, from its container to its artifacts.

Phases follow one another as documented: a failed INSTALL or PRE_BUILD ends the build, a failed
BUILD still runs POST_BUILD, and artifacts are uploaded wherever BUILD was reached.
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any
from urllib.parse import urlsplit

from localcloud.codebuild import artifacts, source
from localcloud.codebuild.buildspec import PHASES, Artifact, Buildspec, Phase, parse
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
from localcloud.codebuild.image import CURATED, RUNTIMES, BuildImages, machine
from localcloud.codebuild.logs import BuildLog
from localcloud.codebuild.model import Build
from localcloud.service import ServiceError

# A phase that fails and says nothing itself → whether the build goes on with the next.
GOES_ON = {"install": False, "pre_build": False, "build": True, "post_build": True}


@dataclass(frozen=True)
class Commands:
    """The commands of a phase, each with the name of its script."""

    name: str
    phase: Phase

    def files(
        self, commands_too: bool = True, finally_ones: bool = True
    ) -> Iterator[tuple[str, str]]:
        """Script and command, in the order of running."""
        if commands_too:
            for number, command in enumerate(self.phase.commands, 1):
                yield f"{self.name}-{number}.sh", command
        if finally_ones:
            for number, command in enumerate(self.phase.finally_commands, 1):
                yield f"{self.name}-finally-{number}.sh", command


class Ended(Exception):  # noqa: N818 -- not an error: the build was told to end
    """The build was stopped, or ran out of time."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Execution:
    """Runs one build.

    Args:
        core: what the parts share.
        images: what builds run in.
        build: its record, kept up to date on disk.
    """

    def __init__(self, core: Core, images: BuildImages, build: Build) -> None:
        self._core, self._images, self.build = core, images, build
        logs = build.shape["logs"]
        self._log = BuildLog(
            lambda: core.client(build, "logs"),
            logs.get("groupName", ""),
            logs.get("streamName", ""),
        )
        self._container: Container | None = None
        self._ended: Ended | None = None
        self._lock = threading.Lock()
        self._failed = ""
        self._directory = f"/codebuild/output/src{int(build.uuid[:8], 16)}/src"
        self._buildspec = Buildspec()

    def end(self, ended: Ended) -> None:
        """Tell the build to end, from another thread; its container goes at once."""
        with self._lock:
            self._ended = self._ended or ended
            container = self._container
        if container is not None:
            container.remove()

    @property
    def told_to_end(self) -> bool:
        """Whether `end` was called."""
        return self._ended is not None

    def queue(self, turn: Callable[[Execution], bool]) -> bool:
        """Wait for the build's turn; False when it ended in the queue.

        Args:
            turn: waits, and tells whether it came.
        """
        came = turn(self)
        if came and not self.told_to_end:
            with self._core.store.lock:
                self.build.end("SUCCEEDED")
                self._core.store.save(self.build)
            return True
        ended = self._ended or Ended("TIMED_OUT", "QUEUED_TIMED_OUT", "Build timed out in queue.")
        with self._core.store.lock:
            self.build.end(ended.status, ended.code, ended.message)
            self.build.complete(ended.status)
            self._core.store.save(self.build)
        return False

    def run(self) -> None:
        """Run the build to its end; it never raises for what goes wrong inside the build."""
        try:
            self._phases()
        except Ended as ended:
            self._failed = self._failed or ended.status
        finally:
            self._finalize()

    def _phases(self) -> None:
        for phase, work in (
            ("PROVISIONING", self._provision),
            ("DOWNLOAD_SOURCE", self._download),
        ):
            if not self._phase(phase, work):
                return
        for name in PHASES:
            wanted = self._buildspec.phases.get(name, Phase())
            commands = Commands(name, wanted)
            if not self._phase(name.upper(), partial(self._run, commands)) and (
                wanted.on_failure == "ABORT" or (wanted.on_failure is None and not GOES_ON[name])
            ):
                return
        self._phase("UPLOAD_ARTIFACTS", self._upload)

    def _phase(self, name: str, work: Callable[[], None]) -> bool:
        """Enter a phase, do its work, end it; returns whether it succeeded."""
        self._check()
        with self._core.store.lock:
            self.build.begin(name)
            self._core.store.save(self.build)
        error: PhaseError | Ended | None = None
        if name.lower() in PHASES:
            self._log.say(f"Entering phase {name}")
        try:
            work()
            self._check()
        except (PhaseError, Ended) as problem:
            error = self._ended or problem  # whatever broke off because the container went
        except ServiceError as problem:
            error = PhaseError("ACCESS_DENIED", problem.message)
        if error is None:
            self._end_phase(name, "SUCCEEDED")
            return True
        self._failed = self._failed or error.status
        self._end_phase(name, error.status, error.code, error.message)
        if isinstance(error, Ended):
            raise error
        return False

    def _end_phase(self, name: str, status: str, code: str = "", message: str = "") -> None:
        self._log.say(f"Phase complete: {name} State: {status}")
        self._log.say(f"Phase context status code: {code} Message: {message}")
        with self._core.store.lock:
            self.build.end(status, code, message)
            self._core.store.save(self.build)

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended

    def _provision(self) -> None:
        self._log.open()
        self._log.say("Waiting for agent ping")
        environment = self.build.shape["environment"]
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
                name=f"fargate-cd-{here.instance}-build-{self.build.uuid}",
                image=self._image(),
                labels={INSTANCE_LABEL: here.instance, BUILD_LABEL: self.build.arn},
                compute=environment["computeType"],
                privileged=environment["privilegedMode"],
                network=here.docker_network,
            )
        )
        with self._lock:
            self._container = container
            ended = self._ended
        if ended is not None:
            container.remove()
            raise ended

    def _image(self) -> str:
        environment = self.build.shape["environment"]
        image = environment["image"]
        if image.startswith(CURATED):
            return self._images.curated()
        as_role = environment.get("imagePullCredentialsType") == "SERVICE_ROLE"
        ours = image.startswith(f"{self._core.surroundings.registry_host}/")
        return self._images.named(
            image, self._core.client(self.build, "ecr") if as_role or ours else None
        )

    def _download(self) -> None:
        self._log.say("Waiting for DOWNLOAD_SOURCE")
        shape = self.build.shape
        archive = source.download(
            shape["source"], shape.get("sourceVersion"), self._core.client(self.build, "s3")
        )
        self._log.say(f"CODEBUILD_SRC_DIR={self._directory}")
        folders = ("codebuild", "codebuild/output", SCRATCH.strip("/"))
        parent, _, folder = self._directory.strip("/").rpartition("/")
        self._put("/", tar_of({}, (*folders, parent, f"{parent}/{folder}")))
        if archive is not None:
            with archive, source.as_tar(archive, folder) as packed:
                self._inside.put(f"/{parent}", packed)
                self._buildspec = parse(source.buildspec_text(shape["source"], archive))
        else:
            self._buildspec = parse(source.buildspec_text(shape["source"], None))
        self._check_runtimes()
        self._prepare_commands()

    def _check_runtimes(self) -> None:
        """https://docs.aws.amazon.com/codebuild/latest/userguide/runtime-versions.html"""
        curated = self.build.shape["environment"]["image"].startswith(CURATED)
        for runtime, version in self._buildspec.runtimes.items():
            if not curated:
                raise PhaseError(
                    "YAML_FILE_ERROR",
                    "This build image does not support selecting runtime versions.",
                )
            known = RUNTIMES.get(runtime, ())
            major = version.removesuffix(".x")
            if version != "latest" and not any(
                has == version or (version.endswith(".x") and has.startswith(f"{major}."))
                for has in known
            ):
                raise PhaseError(
                    "YAML_FILE_ERROR",
                    f"Unknown runtime version named '{version}' of {runtime}. The local cloud's "
                    f"build image has the following versions: {', '.join(known) or 'none'}",
                )

    def _prepare_commands(self) -> None:
        """The variables and the commands, as files in the container."""
        here = self._core.surroundings
        own = own_variables(self.build, self._directory, here.account)
        variables = collected(
            self.build, self._buildspec, own, lambda name: self._core.client(self.build, name)
        )
        self._log.mask(variables.secret)
        values = {**self._of_this_cloud(), **variables.values}
        files = {"env.sh": exports(values), "dir.txt": self._directory}
        for name, phase in self._buildspec.phases.items():
            for file, command in Commands(name, phase).files():
                files[file] = script(command)
        self._put(SCRATCH, tar_of(files))
        self._log.say(f"Phases found in YAML: {len(self._buildspec.phases)}")
        for name, phase in self._buildspec.phases.items():
            self._log.say(f" {name.upper()}: {len(phase.commands)} commands")

    def _of_this_cloud(self) -> dict[str, str]:
        """How a container finds the local cloud, and its engine a base image."""
        here = self._core.surroundings
        environment = self.build.shape["environment"]
        found = {
            "AWS_ENDPOINT_URL": here.api_url
            if environment["privilegedMode"]
            else f"http://{here.docker_gateway}:{urlsplit(here.api_url).port}",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._core.credentials_url}{self.build.token}",
        }
        if environment["privilegedMode"]:
            found |= self._images.base_image()
        return found

    @property
    def _inside(self) -> Container:
        self._check()
        if self._container is None:
            raise PhaseError("CLIENT_ERROR", "the build has no container", "FAULT")
        return self._container

    def _put(self, folder: str, files: IO[bytes]) -> None:
        with files:
            self._inside.put(folder, files)

    def _run(self, commands: Commands) -> None:
        """The commands of a phase, then those that always run.

        Raises:
            PhaseError: one failed.
        """
        failure: PhaseError | None = None
        for file, command in commands.files(finally_ones=False):
            failure = self._command(file, command)
            if failure is not None:
                break
        for file, command in commands.files(commands_too=False):
            failure = self._command(file, command) or failure
        if failure is not None:
            raise failure

    def _command(self, file: str, command: str) -> PhaseError | None:
        shown = command.strip()
        self._log.say(f"Running command {shown}")
        status = self._inside.run(
            self._buildspec.shell, f"{SCRATCH}/{file}", not self._failed, self._log.take
        )
        self._check()
        if status == 0:
            return None
        why = "the container went away" if status is None else f"exit status {status}"
        self._log.say(f"Command did not exit successfully {shown} {why}")
        return PhaseError(
            "COMMAND_EXECUTION_ERROR", f"Error while executing command: {shown}. Reason: {why}"
        )

    def _upload(self) -> None:
        self._export()
        uploads: list[tuple[Mapping[str, Any], artifacts.Upload]] = []
        for settings in self.build.artifacts:
            if settings["type"] != "S3":
                continue
            identifier = settings.get("artifactIdentifier", "")
            artifact = (
                self._buildspec.secondary_artifacts.get(identifier)
                if identifier
                else self._buildspec.artifact
            )
            if artifact is None:
                kind = f"secondary artifact {identifier}" if identifier else "primary artifact"
                raise PhaseError("CLIENT_ERROR", f"no definition for {kind} in buildspec")
            uploads.append((settings, self._one_artifact(settings, artifact)))
        with self._core.store.lock:
            self._keep_uploads(uploads)

    def _one_artifact(self, settings: Mapping[str, Any], artifact: Artifact) -> artifacts.Upload:
        named = dict(settings)
        if settings.get("overrideArtifactName") and artifact.name:
            named["name"] = self._expanded(artifact.name)
        where = artifacts.place(
            named, self.build.project, self.build.uuid, self.build.shape["encryptionKey"]
        )
        root = self._directory
        base = self._expanded(artifact.base_directory)
        if base.startswith("/"):
            root, base = base, "."
        inner = replace(artifact, base_directory=base)
        archive = self._inside.get(root)
        if archive is None:
            raise PhaseError("CLIENT_ERROR", "no matching base directory path found")
        with archive:
            return artifacts.upload(
                archive, inner, where, self._core.client(self.build, "s3"), self._log.say
            )

    def _keep_uploads(self, uploads: list[tuple[Mapping[str, Any], artifacts.Upload]]) -> None:
        shown = []
        for settings, upload in uploads:
            row = {
                "location": upload.location,
                "encryptionDisabled": bool(settings.get("encryptionDisabled")),
                "overrideArtifactName": bool(settings.get("overrideArtifactName")),
            }
            if upload.sha256:
                row |= {"sha256sum": upload.sha256, "md5sum": upload.md5}
            if settings.get("artifactIdentifier"):
                row["artifactIdentifier"] = settings["artifactIdentifier"]
            shown.append(row)
        primary = [row for row in shown if "artifactIdentifier" not in row]
        if primary:
            self.build.shape["artifacts"] = primary[0]
        secondary = [row for row in shown if "artifactIdentifier" in row]
        if secondary:
            self.build.shape["secondaryArtifacts"] = secondary

    def _expanded(self, text: str) -> str:
        """A text as the shell expands it, with the variables that the build left."""
        if "$" not in text and "`" not in text:
            return text
        said = self._said(f'printf %s "{text}"')
        return said.decode("utf-8", "replace").strip()

    def _export(self) -> None:
        """The exported variables, as the build left them."""
        wanted = self._buildspec.exported
        if not wanted:
            return
        said = self._said(" ".join(["printf '%s\\0'", *(f'"${{{name}-}}"' for name in wanted)]))
        values = said.decode("utf-8", "replace").split("\0")
        with self._core.store.lock:
            self.build.shape["exportedEnvironmentVariables"] = [
                {"name": name, "value": value} for name, value in zip(wanted, values, strict=False)
            ]

    def _said(self, command: str) -> bytes:
        """What a command prints."""
        said = bytearray()
        self._put(SCRATCH, tar_of({"ask.sh": f". {SCRATCH}/env.sh\n{command}\n"}))
        status = self._inside.run(
            self._buildspec.shell, f"{SCRATCH}/ask.sh", not self._failed, said.extend
        )
        self._check()
        if status != 0:
            raise PhaseError("CLIENT_ERROR", f"{command} can't be evaluated: {said.decode()}")
        return bytes(said)

    def _finalize(self) -> None:
        with self._core.store.lock:
            self.build.begin("FINALIZING")
            self._core.store.save(self.build)
        if self._container is not None:
            self._container.remove()
        self._log.close()
        with self._core.store.lock:
            self.build.end("SUCCEEDED")
            self.build.complete(self._failed or "SUCCEEDED")
            self._core.store.save(self.build)
        self._core.forget(self.build)
