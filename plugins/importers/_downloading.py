"""Downloads a file into the cache where a library looks for it, going on where it was cut off.

What has come lies beside the file as `NAME.part`, and `NAME.part.of` tells which version of it that
is, in the server's own words (RFC 9110: entity tags, If-Range). So a file that has changed in
between is never glued to what came before.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import socket
import ssl
import time
from typing import TYPE_CHECKING, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from workbench.errors import UserError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tell = Callable[[str], None]

TRIES, PAUSE, MOST_PAUSE = 4, 1.0, 30.0
"""How often a server is asked that gives nothing, and seconds in between, doubled each time."""
PATIENCE = 30.0
"""Seconds without a byte after which a connection counts as cut."""
CHUNK = 2**18
ENOUGH = 2**20
"""Bytes that are worth another try, however often the connection was cut before."""
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may be others soon."""
INTERVAL = 0.5
"""Seconds between two words on how far it is."""


class _CutOffError(Exception):
    """It may go better when it is tried again."""


def fetch(url: str, target: Path, tell: Tell, sha256: str = "") -> Path:
    """Return a file, downloaded unless it is here.

    It is there under its name only when it is complete. Settings for proxies are taken as
    everywhere (`https_proxy`, `no_proxy`, those of the system).

    Args:
        sha256: first digits of the hash that it must have; empty: it is not known.
        tell: takes a few words on how far it is.

    Raises:
        UserError: it cannot be had, or is not what it should be; what has come is kept.
    """
    from filelock import FileLock, Timeout

    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f"{target.name}.lock"))
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            tell(f"Waiting for another program that downloads {target.name}")
            held = lock.acquire()
        with held:
            if not target.is_file():
                _Download(url, target, tell, sha256).run()
            with contextlib.suppress(OSError):  # Windows lets nobody remove an open file
                os.unlink(lock.lock_file)
    except OSError as error:
        _say_unwritten(error, target)
    return target


class _Download:
    """One file on its way."""

    def __init__(self, url: str, target: Path, tell: Tell, sha256: str) -> None:
        self._url = url
        self._target = target
        self._tell = tell
        self._sha256 = sha256
        self._part = target.with_name(f"{target.name}.part")
        self._version = target.with_name(f"{target.name}.part.of")
        self._told = 0.0

    def run(self) -> None:
        """Get all of it, check it and put it in its place."""
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise UserError(f"{self._url} is not an address on the web.")
        was_begun = bool(self._size())
        self._complete()
        if not self._is_right() and was_begun:
            self._forget()  # a server may have told the same of another file
            self._complete()
        if not self._is_right():
            self._forget()
            raise UserError(
                f"{self._target.name} did not come as it was published: its SHA-256 does not "
                f"begin with {self._sha256}.",
                "Something between this computer and the server may change files; try elsewhere.",
            )
        os.replace(self._part, self._target)
        self._version.unlink(missing_ok=True)

    def _complete(self) -> None:
        """Receive until all is there, trying again where that makes sense."""
        first, failures = self._size(), 0
        while True:
            before = self._size()
            try:
                self._receive()
                return
            except _CutOffError as error:
                failures = 0 if self._size() - before > ENOUGH else failures + 1
                is_away = type(error.__cause__) is URLError and self._size() == first
                if failures == TRIES or is_away:
                    self._give_up(error)
                self._tell(f"Waiting to go on: {error}")
                time.sleep(min(PAUSE * 2 ** max(failures - 1, 0), MOST_PAUSE))

    def _receive(self) -> None:
        """Ask for what is missing, and write it as it comes."""
        headers = {"User-Agent": "neural-workbench", "Accept-Encoding": "identity"}
        if version := self._kept():
            headers |= {"Range": f"bytes={self._size()}-", "If-Range": version}
        try:
            answer = urlopen(Request(self._url, headers=headers), timeout=PATIENCE)
        except HTTPError as error:
            error.close()
            self._refused(error)
        except (OSError, http.client.HTTPException) as error:
            raise _CutOffError(_reason(error)) from error
        with answer:
            total = self._begin(answer, version)
            self._need_room(total - self._size())
            with self._part.open("ab") as stream:
                while chunk := _read(answer):
                    stream.write(chunk)
                    self._told_how_far(stream.tell(), total)
                stream.flush()
                os.fsync(stream.fileno())
        if self._size() > total > 0:
            self._forget()
        if self._size() < total:
            raise _CutOffError(f"the connection was cut at {in_megabytes(self._size(), total)}")

    def _begin(self, answer: http.client.HTTPResponse, version: str) -> int:
        """Keep what goes on, forget what does not; return the size of all, 0 where untold."""
        told = _version(answer)
        if answer.status == 206:
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers["Content-Range"] or "")
            if found and int(found[1]) == self._size() and told in ("", version):
                return int(found[2]) if found[2] != "*" else 0
            self._forget()
            raise _CutOffError("the server gave another part than was asked for")
        self._forget()
        if told:
            self._version.write_text(told, "ascii")
        return int(answer.headers["Content-Length"] or 0)

    def _refused(self, error: HTTPError) -> NoReturn:
        words = f"the server says {error.code} {error.reason}"
        if error.code == 416:  # nothing of that part: the file is shorter than what is here
            self._forget()
        if error.code == 416 or error.code in BUSY:
            raise _CutOffError(words) from error
        raise UserError(
            f"{self._target.name} cannot be downloaded from {_host(self._url)}: {words}.",
            "It may have been moved. Give a weights file, or put it into "
            f"{self._target.parent} by hand.",
        ) from error

    def _give_up(self, error: _CutOffError) -> NoReturn:
        size = self._size()
        here = f" What has come, {size / 2**20:.0f} MB, is kept." if size else ""
        raise UserError(
            f"{self._target.name} cannot be downloaded from {_host(self._url)}: {error}.",
            f"Try again where there is a network, or put the file into {self._target.parent} by "
            f"hand.{here}",
        ) from error

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _kept(self) -> str:
        """Return which version the part is of; where nothing tells, the part is of no use."""
        if self._size() and self._version.is_file():
            return self._version.read_text("ascii")
        self._forget()
        return ""

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    def _is_right(self) -> bool:
        if not self._sha256:
            return True
        self._tell(f"Checking {self._target.name}")
        with self._part.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        return found.startswith(self._sha256.lower())

    def _need_room(self, size: int) -> None:
        free = shutil.disk_usage(self._part.parent).free
        if size > free:
            raise UserError(
                f"{self._target.name} needs {size / 2**20:.0f} MB more, but only "
                f"{free / 2**20:.0f} MB are free in {self._part.parent}.",
                "Make room there; what has come is kept.",
            )

    def _told_how_far(self, done: int, total: int) -> None:
        if time.monotonic() - self._told >= INTERVAL:
            self._told = time.monotonic()
            self._tell(f"Downloading {self._target.name}: {in_megabytes(done, total)}")


def _version(answer: http.client.HTTPResponse) -> str:
    """Return what tells one version of a file from another; empty where the server says nothing."""
    tag, date = answer.headers["ETag"] or "", answer.headers["Last-Modified"] or ""
    found = str(date if tag.startswith("W/") or not tag else tag)
    return found if found.isascii() else ""


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _CutOffError(_reason(error)) from error


def in_megabytes(done: int, total: int) -> str:
    """Return how far a download of so many bytes is; of an unknown number with a total of 0."""
    return f"{done / 2**20:.1f} of {total / 2**20:.1f} MB" if total else f"{done / 2**20:.1f} MB"


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, URLError) else error
    match inner:
        case socket.gaierror():
            return "its server cannot be found, so this computer seems to be offline"
        case TimeoutError():
            return "the server does not answer"
        case ssl.SSLCertVerificationError():
            return f"the server cannot prove who it is ({inner.verify_message})"
        case ConnectionRefusedError():
            return "the server refuses the connection"
        case http.client.IncompleteRead() | ConnectionError():
            return "the connection was cut"
    return first_line(inner).rstrip(".")


def _say_unwritten(error: OSError, target: Path) -> NoReturn:
    raise UserError(
        f"{target.name} cannot be written to {target.parent}: {error.strerror or error}.",
        "Make room or allow writing there; what has come is kept.",
    ) from error
