"""The local cloud's one background process: started, found again, stopped.

The process holds a lock on its state folder for as long as it lives, so that two can't share one
folder and a killed one is recognised at once. What it serves stands in `endpoints.json`, written
when everything answers.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from localcloud.server.secrets_file import load_secrets
from localcloud.shared.state_file import write_atomically

CHECKOUT = Path(__file__).resolve().parents[2]
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 60
REGION = "us-east-1"
# Threads with heaps of their own would each keep what they once needed.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "262144"}
PROVIDERS = ("aws", "awsx", "docker", "github")


class LocalCloudError(Exception):
    """The local cloud can't do what was asked; the message says why and what to do."""


@dataclass(frozen=True)
class Endpoints:
    """Where a running local cloud answers.

    Attributes:
        pid: its process.
        api_url: the address of all AWS APIs.
        registry_host: `localhost:PORT` of the image registry.
        providers: Pulumi package → port of its provider on loopback.
        started_at: when it began to serve, as ISO 8601 in UTC.
        created: when the process began, in seconds since 1970, to tell it from a later one.
        state_dir: its state folder.
        git_host_url: the address of the Git host, ending in a slash.
    """

    pid: int
    api_url: str
    registry_host: str
    providers: dict[str, int]
    started_at: str
    created: float
    state_dir: str
    git_host_url: str = ""

    def environment(self) -> dict[str, str]:
        """The variables by which Pulumi, boto3 and `aws` talk to this local cloud."""
        secrets = load_secrets(Path(self.state_dir))
        backend = Path(self.state_dir) / "pulumi"
        backend.mkdir(parents=True, exist_ok=True)
        return {
            "AWS_ENDPOINT_URL": self.api_url,
            "AWS_ACCESS_KEY_ID": secrets.access_key_id,
            "AWS_SECRET_ACCESS_KEY": secrets.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(
                f"{package}:{port}" for package, port in sorted(self.providers.items())
            ),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Without `metadata=skip` the engine writes a second file beside each state, and who
            # reads the state meanwhile fails: https://pkg.go.dev/gocloud.dev/blob/fileblob
            "PULUMI_BACKEND_URL": f"file://{quote(str(backend))}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": secrets.passphrase,
            "GITHUB_BASE_URL": self.git_host_url,
            "FARGATE_CD_CONSOLE_URL": self.api_url,
            # Who trusts it can open the HTTPS listeners: curl --cacert.
            "FARGATE_CD_CERTIFICATE_AUTHORITY": str(certificate_authority(Path(self.state_dir))),
            **_no_proxy(),
        }


def certificate_authority(state_dir: Path) -> Path:
    """The certificate of the authority that issues the local cloud's certificates."""
    return state_dir / "services" / "elb" / "ca.pem"


def _no_proxy() -> dict[str, str]:
    """Loopback past any proxy of the machine's: botocore and gRPC would ask it otherwise."""
    present = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = [host for host in present.split(",") if host]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
    return {"NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}


def default_state_dir() -> Path:
    """`$FARGATE_CD_STATE_DIR`, or `.localcloud` in this checkout."""
    chosen = os.environ.get("FARGATE_CD_STATE_DIR")
    return Path(chosen).resolve() if chosen else CHECKOUT / ".localcloud"


def instance_of(state_dir: Path) -> str:
    """A short name of a state folder, for containers and networks."""
    return sha256(str(state_dir.resolve()).encode()).hexdigest()[:8]


def log_file(state_dir: Path) -> Path:
    """The local cloud's log; older ones stand beside it as `.1`, `.2` …."""
    return state_dir / "localcloud.log"


def endpoints_file(state_dir: Path) -> Path:
    """Where the process writes what it serves."""
    return state_dir / "endpoints.json"


def console_file(state_dir: Path) -> Path:
    """What the process wrote outside its log: the last words of one that could not start."""
    return state_dir / "console.log"


@contextmanager
def _locked(file: Path, *, wait: bool = True) -> Iterator[bool]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def hold_state(state_dir: Path) -> Any:
    """The lock that a serving process holds on its state folder until it ends.

    Raises:
        LocalCloudError: another process holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    handle = (state_dir / "serve.lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise LocalCloudError(
            f"Another local cloud serves {state_dir}; stop it first with `run.py local stop`."
        ) from error
    return handle


def still_held(handle: Any) -> bool:
    """Whether the state folder is still the one that was locked; it may have been deleted."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), Path(handle.name).stat())
    except FileNotFoundError:
        return False


def _is_ours(endpoints: Endpoints) -> bool:
    """Whether the process of that id is still the one that wrote the endpoints."""
    try:
        process = psutil.Process(endpoints.pid)
        same = abs(process.create_time() - endpoints.created) < 1
        return same and "localcloud" in process.cmdline() and process.status() != "zombie"
    except psutil.Error:
        return False


def status(state_dir: Path) -> Endpoints | None:
    """The running local cloud of a state folder; None where none runs."""
    try:
        endpoints = Endpoints(**json.loads(endpoints_file(state_dir).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return endpoints if _is_ours(endpoints) else None


def announce(endpoints: Endpoints) -> None:
    """Tells that everything answers."""
    state_dir = Path(endpoints.state_dir)
    write_atomically(endpoints_file(state_dir), json.dumps(asdict(endpoints)).encode())


def start(state_dir: Path) -> Endpoints:
    """The running local cloud of a state folder, started if need be; waits until it answers.

    Raises:
        LocalCloudError: it could not start; the message holds its last words.
    """
    state_dir = state_dir.resolve()
    with _locked(state_dir / "start.lock"):
        running = status(state_dir)
        if running is not None:
            return running
        endpoints_file(state_dir).unlink(missing_ok=True)
        return _wait_until_ready(state_dir, _spawn(state_dir))


def _spawn(state_dir: Path) -> subprocess.Popen[bytes]:
    with console_file(state_dir).open("wb") as console:
        return subprocess.Popen(
            [sys.executable, "-m", "localcloud", "serve", "--state-dir", str(state_dir)],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env={**os.environ, **ALLOCATOR},
        )


def _wait_until_ready(state_dir: Path, child: subprocess.Popen[bytes]) -> Endpoints:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        ready = status(state_dir)
        if ready is not None and ready.pid == child.pid:
            return ready
        if child.poll() is not None:
            raise LocalCloudError(
                f"The local cloud did not start: {last_words(state_dir)} "
                f"The log is {log_file(state_dir)}."
            )
        time.sleep(0.05)
    child.terminate()
    raise LocalCloudError(
        f"The local cloud did not answer within {START_TIMEOUT_SECONDS} s: "
        f"{last_words(state_dir)} The log is {log_file(state_dir)}."
    )


def last_words(state_dir: Path) -> str:
    """The last line that the process wrote."""
    for file in (console_file(state_dir), log_file(state_dir)):
        if file.exists():
            lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return lines[-1].strip()
    return "it wrote nothing."


def stop(state_dir: Path) -> bool:
    """Ends the local cloud of a state folder; its state stays on disk.

    Returns:
        Whether one was running.

    Raises:
        LocalCloudError: it did not end in time.
    """
    state_dir = state_dir.resolve()
    with _locked(state_dir / "start.lock"):
        running = status(state_dir)
        if running is None:
            endpoints_file(state_dir).unlink(missing_ok=True)
            return False
        process = psutil.Process(running.pid)
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except psutil.TimeoutExpired as error:
            raise LocalCloudError(
                f"The local cloud (process {running.pid}) did not end within "
                f"{STOP_TIMEOUT_SECONDS} s; see {log_file(state_dir)}, "
                f"then `kill -9 {running.pid}`."
            ) from error
        endpoints_file(state_dir).unlink(missing_ok=True)
        return True


def lost_state_file(state_dir: Path) -> Path:
    """Where the process writes what it could not bring back."""
    return state_dir / "lost.txt"


def lost_state(state_dir: Path) -> str | None:
    """What the last start could not bring back, in words; None where nothing was lost."""
    file = lost_state_file(state_dir)
    return file.read_text() if file.exists() else None
