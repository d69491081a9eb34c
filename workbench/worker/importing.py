"""Imports a backend's framework, and says in plain words how that went."""

from __future__ import annotations

import contextlib
import os
from typing import IO, TYPE_CHECKING

from workbench.errors import UserError
from workbench.plugin_api.launcher import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import Backend


def import_framework(backend: Backend) -> None:
    """Import what a backend computes with.

    Raises:
        UserError: it is not installed, or its import fails.
    """
    available = backend.availability()
    if not available.ok:
        raise UserError(available.reason, available.install)
    try:
        backend.warm_up()
    except UserError:
        raise
    except Exception as error:  # a broken installation raises anything
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"{backend.title} is installed, but cannot be imported: {words[0][:300].rstrip('.')}.",
            f"Install it anew: {available.install}" if available.install else "Install it anew.",
        ) from error


def ready(catalog: Catalog, backend_id: str) -> Readiness:
    """Import a backend's framework and return its devices, or why it cannot be used."""
    try:
        backend = catalog.backend(backend_id)
        import_framework(backend)
        import sklearn.metrics  # noqa: F401 - training needs it, and it takes a second

        return Readiness(state="ready", devices=tuple(backend.devices()))
    except UserError as error:
        return Readiness(state="broken", message=error.message, hint=error.hint)
    except Exception as error:
        return Readiness(state="broken", message=f"{backend_id} cannot be used: {error}.")


@contextlib.contextmanager
def only_report() -> Iterator[IO[bytes]]:
    """Give the standard output as a stream for one report; everybody else's goes nowhere.

    Frameworks print while they are imported, and the window that reads may close before training
    ends.
    """
    stream = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    with contextlib.suppress(BrokenPipeError), stream:
        yield stream
