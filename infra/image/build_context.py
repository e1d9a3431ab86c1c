"""The build context: the files that Docker would send, as a hash and as a folder of its own.

The folder, rather than the application's own, is what an image is built from. It holds the files
that `.dockerignore` leaves, with modes that do not depend on the checkout, and no ignore file. So
every builder sees the same files, and what is hashed is what is sent.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.image.ignore_rules import (
    IgnoreRules,
    IgnoreRulesError,
    Inherited,
    ignore_files,
    read_rules,
)
from infra.settings.model import NAMESPACE, SettingsError

TAG_LENGTH = 16

STAGING_AREA = Path("/var/tmp")  # noqa: S108 - see `BuildContext.stage`
"""Where contexts are put together: the same on each machine, since pulumi-docker reads the path
that the state has again, whichever machine wrote it."""

KEPT_SECONDS = 24 * 3600
"""How long a staged context stays after its last use."""


class BuildContextError(SettingsError):
    """The application's folder can't be built from.

    Args:
        problem: the file, what is wrong with it and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__([f"{NAMESPACE}:app_path: {problem}"])


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of the context.

    Attributes:
        name: from the top of the context, with slashes.
        kind: `file`, `program` (a file that may be executed), `folder` or `link`.
        target: what a link points to.
    """

    name: str
    kind: str
    target: str = ""


@dataclass(frozen=True)
class BuildContext:
    """A folder as Docker would send it, with its Dockerfile.

    Attributes:
        folder: the build context.
        dockerfile: the Dockerfile, inside the context or not.
        rules: what is left out.
        entries: what is sent, sorted by name; ignore files are not, and the Dockerfile always is.
    """

    folder: Path
    dockerfile: Path
    rules: IgnoreRules = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)

    @classmethod
    def read(cls, folder: Path, dockerfile: Path) -> BuildContext:
        """List what Docker would send.

        Args:
            folder: the build context.
            dockerfile: the Dockerfile, inside the context or not.

        Raises:
            BuildContextError: a pattern is wrong, or a file can't be read or sent.
        """
        folder, dockerfile = _plain(folder), _plain(dockerfile)
        ignored_by = next(
            (file for file in ignore_files(folder, dockerfile) if file.is_file()), None
        )
        try:
            rules = read_rules(ignored_by) if ignored_by else IgnoreRules()
        except IgnoreRulesError as error:
            raise BuildContextError(str(error)) from error
        except OSError as error:
            raise _unreadable(error) from error
        found = {entry.name: entry for entry in _walk(folder, "", rules, ())}
        for file in ignore_files(folder, dockerfile):
            found.pop(_inside(folder, file), None)
        inside = _inside(folder, dockerfile)
        if inside:
            found |= {entry.name: entry for entry in _with_parents(folder, inside)}
        return cls(folder, dockerfile, rules, tuple(found[name] for name in sorted(found)))

    def digest(self, *parameters: str) -> str:
        """A hash of the context, blind to times, owners and the umask of the checkout.

        Args:
            parameters: what else an image depends on, such as its platform.

        Returns:
            Sixteen hexadecimal digits; the same as long as a build would see the same names,
            executable bits and contents.

        Raises:
            BuildContextError: a file can't be read any more.
        """
        digest = hashlib.sha256()

        def add(*parts: bytes) -> None:
            for part in parts:
                digest.update(len(part).to_bytes(8, "big") + part)

        try:
            place = _inside(self.folder, self.dockerfile).encode()
            add(*(parameter.encode() for parameter in parameters), place)
            add(self.dockerfile.read_bytes())
            for entry in self.entries:
                add(entry.name.encode(), entry.kind.encode(), entry.target.encode())
                if entry.kind in {"file", "program"}:
                    add(_content(self.folder / entry.name))
        except OSError as error:
            raise _unreadable(error) from error
        return digest.hexdigest()[:TAG_LENGTH]

    def stage(self) -> tuple[Path, Path]:
        """Put the context together in a folder that its content names.

        Returns:
            The folder to build from, and its Dockerfile.

        Raises:
            BuildContextError: a file can't be read, a link points to nothing, or the folder
                belongs to somebody else.
        """
        place = STAGING_AREA / f"fargate-cd-{self.digest()}"
        staged = self._at(place)
        _refuse_foreign(place)
        if not _is_whole(staged, self.digest()):
            self._put_together(place)
        os.utime(place)
        _remove_old()
        return staged

    def _at(self, place: Path) -> tuple[Path, Path]:
        inside = _inside(self.folder, self.dockerfile)
        return place / "context", place / "context" / inside if inside else place / "Dockerfile"

    def _put_together(self, place: Path) -> None:
        making = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=STAGING_AREA))
        folder, dockerfile = self._at(making)
        try:
            folder.mkdir(mode=0o755)
            for entry in self.entries:
                _copy(self.folder / entry.name, folder / entry.name, entry)
            self._refuse_dangling(folder)
            if not dockerfile.exists():
                _copy(self.dockerfile, dockerfile, Entry("", "file"))
            self._give_name(making, place)
        except OSError as error:
            raise _unreadable(error) from error
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def _give_name(self, making: Path, place: Path) -> None:
        """Move a folder to its place; one that another update has made meanwhile is in use."""
        try:
            making.rename(place)
        except OSError:
            if _is_whole(self._at(place), self.digest()):
                return
            shutil.rmtree(place, ignore_errors=True)
            making.rename(place)

    def _refuse_dangling(self, staged: Path) -> None:
        """Refuse what pulumi-docker can't hash: it follows every link of the context."""
        for entry in self.entries:
            if entry.kind == "link" and not (staged / entry.name).exists():
                raise BuildContextError(
                    f"{self.folder / entry.name} is a link to {entry.target}, which is not in the "
                    "build context: name the link in .dockerignore, or make it in the Dockerfile"
                )


def staged(dockerfile: str, name: str) -> tuple[Path, Path]:
    """A folder of the staging area with nothing but a Dockerfile, and that file.

    Args:
        dockerfile: its text.
        name: of the folder, from which the text follows.
    """
    folder = STAGING_AREA / f"fargate-cd-from-{name}"
    _refuse_foreign(folder)
    folder.mkdir(mode=0o755, exist_ok=True)
    file = folder / "Dockerfile"
    file.write_text(dockerfile)
    os.utime(folder)
    _remove_old()
    return folder, file


def _walk(folder: Path, prefix: str, rules: IgnoreRules, inherited: Inherited) -> Iterator[Entry]:
    try:
        listed = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        if prefix and rules.excludes(prefix.rstrip("/")):
            return  # as Docker does: what it may not read and need not send
        raise _unreadable(error) from error
    for each in listed:
        name = f"{prefix}{each.name}"
        excluded, below = rules.judge(name, inherited)
        if each.is_dir(follow_symlinks=False):
            wanted = not excluded or rules.has_exceptions
            within = list(_walk(Path(each.path), f"{name}/", rules, below)) if wanted else []
            if within or not excluded:
                yield entry_of(folder / each.name, name)
                yield from within
        elif not excluded and not stat.S_ISSOCK(each.stat(follow_symlinks=False).st_mode):
            yield entry_of(folder / each.name, name)


def entry_of(path: Path, name: str) -> Entry:
    """The entry of a path, which Docker can send and this machine can read."""
    mode = path.lstat().st_mode
    target = os.readlink(path) if stat.S_ISLNK(mode) else ""  # noqa: PTH115 - as it is written
    for text, what in ((name, "name"), (target, "target of the link")):
        if not _is_utf8(text):
            raise BuildContextError(
                f"the {what} {os.fsencode(text)!r} in {path.parent} is not UTF-8, and Docker can't "
                "send it: rename it, or name it in .dockerignore"
            )
    if target:
        return Entry(name, "link", target)
    if stat.S_ISDIR(mode):
        return Entry(name, "folder")
    if not stat.S_ISREG(mode):
        raise BuildContextError(f"{path} is no file, folder or link: name it in .dockerignore")
    if not os.access(path, os.R_OK):
        raise _unreadable(PermissionError(13, "Permission denied", str(path)))
    return Entry(name, "program" if mode & stat.S_IXUSR else "file")


def _with_parents(folder: Path, name: str) -> Iterator[Entry]:
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        own = "/".join(parts[:depth])
        yield entry_of(folder / own, own)


def _plain(path: Path) -> Path:
    """The path without `..`, its links as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - it would follow links


def _inside(folder: Path, file: Path) -> str:
    """The name of a file in the context; empty for one outside of it."""
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else ""


def _is_utf8(text: str) -> bool:
    try:
        os.fsencode(text).decode()
    except UnicodeDecodeError:
        return False
    return True


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _copy(source: Path, target: Path, entry: Entry) -> None:
    if entry.kind == "link":
        target.symlink_to(entry.target)
    elif entry.kind == "folder":
        target.mkdir()
        target.chmod(0o755)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755 if entry.kind == "program" else 0o644)
        times = source.stat()
        os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def _is_whole(staged: tuple[Path, Path], digest: str) -> bool:
    """Whether a staged context is still what its name says."""
    try:
        return BuildContext.read(*staged).digest() == digest
    except (BuildContextError, OSError):
        return False


def _refuse_foreign(place: Path) -> None:
    if place.is_symlink() or (place.exists() and place.stat().st_uid != os.getuid()):
        raise BuildContextError(f"{place} belongs to another user of this machine: remove it")


def _remove_old() -> None:
    for each in STAGING_AREA.glob("fargate-cd-*"):
        try:
            found = each.lstat()
        except FileNotFoundError:
            continue
        if found.st_uid == os.getuid() and found.st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(each, ignore_errors=True)


def _unreadable(error: OSError) -> BuildContextError:
    return BuildContextError(
        f"{error.filename} can't be read ({error.strerror}): let this user read it, or name it in "
        ".dockerignore"
    )
