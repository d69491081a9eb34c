"""The Hugging Face hub: what of it lies in its cache here, and what is downloaded from it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plugins.importers._downloading import INTERVAL, in_megabytes
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEIGHTS = (".safetensors", ".bin", ".pth", ".npz")


def is_cached(name: str) -> bool:
    """Say whether weights of a name on the hub lie in its cache on this computer, all of them."""
    snapshots = _cache() / f"models--{name.replace('/', '--')}" / "snapshots"
    return bool(name) and any(_is_whole(folder) for folder in snapshots.glob("*"))


def is_reachable() -> bool:
    """Say whether the hub's server can be found; asking it offline takes a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname or "", 443)
    except OSError:
        return False
    return True


def offline(repository: str) -> UserError:
    """Return what is said where a network is needed."""
    return UserError(
        f"“{repository}” is not on this computer, which cannot find the Hugging Face hub: it seems "
        "to be offline.",
        "Import it where there is a network, copy that computer's cache of the hub, or give a file "
        "or folder of its weights.",
    )


def hub_file(repository: str, names: Sequence[str], tell: Callable[[str], None]) -> Path | None:
    """Return the first of some files that a repository has: from the cache, else downloaded.

    The hub's own client downloads: it goes on where it was cut off.

    Returns:
        Nothing where the repository has none of them.

    Raises:
        UserError: it is not here, and there is no network.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    for name in names:
        if isinstance(found := try_to_load_from_cache(repository, name), str):
            return Path(found)
    if not is_reachable():
        raise offline(repository)
    for name in names:
        try:
            return Path(hf_hub_download(repository, name, tqdm_class=_progress(name, tell)))
        except EntryNotFoundError:
            continue
    return None


def _progress(name: str, tell: Callable[[str], None]) -> Any:
    """Return a bar of progress that says in words how far it is, and draws nothing."""
    import time

    from huggingface_hub.utils import tqdm

    class Told(tqdm):  # type: ignore[misc, type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._done, self._all = options.get("initial") or 0, options.get("total") or 0
            self._since = 0.0
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self._done += int(n or 0)
            if time.monotonic() - self._since >= INTERVAL:
                self._since = time.monotonic()
                tell(f"Downloading {name}: {in_megabytes(self._done, self._all)}")

    return Told


def _cache() -> Path:
    """Return where the hub's client keeps files; HF_HOME or HF_HUB_CACHE moves it."""
    home = os.environ.get("HF_HOME", os.path.join("~", ".cache", "huggingface"))
    return Path(os.environ.get("HF_HUB_CACHE", os.path.join(home, "hub"))).expanduser()


def _is_whole(folder: Path) -> bool:
    """Say whether a snapshot has weights, and all parts of those in several files."""
    names = {path.name for path in folder.iterdir()}
    for index in folder.glob("*.index.json"):
        try:
            parts = json.loads(index.read_bytes())["weight_map"].values()
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if names.issuperset(parts):
            return True
    return any(name.endswith(WEIGHTS) and "-of-" not in name for name in names)
