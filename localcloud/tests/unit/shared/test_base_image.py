"""When a base image is made, how, and what is said when it can't be."""

import io
import os
import threading
import urllib.error
from types import SimpleNamespace

import pytest

from localcloud.shared import base_image
from localcloud.shared.base_image import BaseImageError, base_image_argument, registry_answers

TRUST = "etc/ssl/certs/ca-certificates.crt"


class Images:
    """The images of an engine, by name."""

    def __init__(self):
        self.names = set()

    def list(self, name):
        return [name] if name in self.names else []


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """An engine without the image, and a debootstrap that does nothing."""
    images = Images()
    engine = SimpleNamespace(images=images, close=lambda: None, made=[], meanwhile=lambda: None)

    def make(_, name, trust, log):
        engine.meanwhile()
        engine.made.append(name)
        images.names.add(name)

    monkeypatch.setattr(base_image.docker, "from_env", lambda **_: engine)
    monkeypatch.setattr(base_image, "_make", make)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return engine


@pytest.fixture
def no_registry(monkeypatch):
    monkeypatch.setattr(base_image, "registry_answers", lambda _: False)


def test_a_registry_in_reach_needs_no_argument(monkeypatch, engine):
    asked = []
    monkeypatch.setattr(base_image, "registry_answers", lambda host: asked.append(host) or True)
    assert base_image_argument(print) == {}
    assert base_image_argument(print, "ghcr.io") == {}
    assert asked == ["public.ecr.aws", "ghcr.io"]
    assert engine.made == []


@pytest.mark.usefixtures("no_registry")
def test_the_image_is_made_once_and_kept(engine):
    first = base_image_argument(print)
    assert base_image_argument(print) == first
    assert engine.made == [first["BASE_IMAGE"]]
    assert first["BASE_IMAGE"].startswith("fargate-cd-base:bookworm-")


@pytest.mark.usefixtures("no_registry")
def test_those_who_come_at_once_wait_for_one(engine):
    lines, results, others = [], [], threading.Semaphore(0)

    def log(line):
        lines.append(line)
        others.release()

    def meanwhile():
        assert all(others.acquire(timeout=60) for _ in range(2))

    engine.meanwhile = meanwhile
    threads = [
        threading.Thread(target=lambda: results.append(base_image_argument(log))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.made) == 1
    assert len({result["BASE_IMAGE"] for result in results}) == 1
    assert "waiting for another process that makes the base image" in lines


@pytest.mark.usefixtures("no_registry")
def test_other_certificates_make_another_image(engine, monkeypatch, tmp_path):
    names = []
    for content in ("one", "two", "two"):
        bundle = tmp_path / "bundle.crt"
        bundle.write_text(content)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        names.append(base_image_argument(print)["BASE_IMAGE"])
    assert names[0] != names[1] == names[2]


def test_a_closed_port_is_no_registry():
    assert not registry_answers("127.0.0.1:9")


def test_a_name_that_hangs_is_no_registry(monkeypatch):
    monkeypatch.setattr(base_image, "_PROBE_SECONDS", 0.2)
    answered = threading.Event()
    monkeypatch.setattr(base_image, "_probe", lambda _: answered.wait(60))
    assert not registry_answers("hangs.example")
    answered.set()


@pytest.mark.parametrize("status", [401, 404, 503])
def test_any_answer_is_a_registry(monkeypatch, status):
    def refuse(url, timeout):
        assert url == "https://public.ecr.aws/v2/"
        assert timeout <= 5
        raise urllib.error.HTTPError(url, status, "", {}, None)  # type: ignore[arg-type]

    monkeypatch.setattr(base_image.urllib.request, "urlopen", refuse)
    assert registry_answers("public.ecr.aws")


@pytest.mark.usefixtures("no_registry")
def test_no_engine_is_a_sentence(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(BaseImageError, match="service docker start"):
        base_image_argument(print)


def test_a_missing_debootstrap_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(base_image.shutil, "which", lambda *_, **__: None)
    with pytest.raises(BaseImageError, match="apt-get install debootstrap"):
        base_image._debootstrap_command(tmp_path, ["python3"])


def test_root_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(base_image.shutil, "which", lambda *_, **__: "/usr/sbin/debootstrap")
    monkeypatch.setattr(base_image.os, "geteuid", lambda: 1000)
    with pytest.raises(BaseImageError, match="as root"):
        base_image._debootstrap_command(tmp_path, ["python3"])


def test_a_failing_debootstrap_is_quoted(monkeypatch, tmp_path):
    script = "echo 'I: Retrieving hello'; echo 'E: Failed getting release file.'; exit 1"
    monkeypatch.setattr(base_image, "_debootstrap_command", lambda *_: ["sh", "-c", script])
    lines = []
    with pytest.raises(BaseImageError, match=r"packages: Failed getting release file\.$"):
        base_image._debootstrap(tmp_path, ["python3"], lines.append)
    assert lines == ["downloading Debian's packages"]


def test_a_hanging_debootstrap_ends(monkeypatch, tmp_path):
    monkeypatch.setattr(base_image, "_debootstrap_command", lambda *_: ["sleep", "60"])
    monkeypatch.setattr(base_image, "_BUILD_SECONDS", 0.2)
    with pytest.raises(BaseImageError):
        base_image._debootstrap(tmp_path, ["python3"], print)


def test_phases_are_told_once_each():
    output = "I: Retrieving a\nI: Retrieving b\nI: Extracting a\nI: Configuring a\nW: late\n"
    lines = []
    assert base_image._follow(io.StringIO(output), lines.append) == "late"
    assert lines == ["downloading Debian's packages", "unpacking them", "configuring them"]


def test_what_nobody_needs_is_left_out_and_the_trust_put_in(tmp_path):
    for name in ("var/lib/apt/lists/a", "usr/share/doc/b/c", "usr/bin/python3", TRUST):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "usr/share/doc/link").symlink_to("/etc")
    base_image._trim(tmp_path, b"trusted")
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == [TRUST, "usr/bin/python3"]
    assert (tmp_path / TRUST).read_bytes() == b"trusted"


def test_the_scratch_folder_is_gone_afterwards():
    scratch = base_image._scratch_folder()
    folder = scratch.__enter__()
    (folder / "root").mkdir()
    assert not scratch.__exit__(RuntimeError, RuntimeError(), None)
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_mounted_inside_is_not_removed_with_it(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    with base_image._scratch_folder() as folder:
        inside = folder / "root" / "proc"
        inside.mkdir(parents=True)
        status = os.system(f"mount --bind {kept} {inside}")  # noqa: S605
        if status != 0:
            pytest.skip("this machine lets nobody mount")
    assert not folder.exists()
    assert (kept / "file").exists()


def test_no_certificates_is_a_sentence(monkeypatch):
    for variable in base_image._TRUST_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(base_image, "_TRUST", "/nowhere")
    paths = SimpleNamespace(cafile=None)
    monkeypatch.setattr(base_image.ssl, "get_default_verify_paths", lambda: paths)
    with pytest.raises(BaseImageError, match="ca-certificates"):
        base_image._trusted_certificates()
