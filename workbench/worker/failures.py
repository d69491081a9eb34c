"""Says in plain words why a run failed, and what to do next."""

from __future__ import annotations

import traceback

from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError, OutOfMemoryError

LONGEST_DETAILS = 20_000


class TrainingError(UserError):
    """Training cannot go on.

    Attributes:
        node: the layer where it happened; empty if it is not known.
    """

    def __init__(self, message: str, hint: str = "", node: str = "") -> None:
        super().__init__(message, hint)
        self.node = node


def failure(error: Exception) -> dict[str, str]:
    """Return the fields of a Failed event: message, hint, node, details."""
    message, hint, node = _words(error)
    details = "".join(traceback.format_exception(error))[-LONGEST_DETAILS:]
    return {"message": message, "hint": hint, "node": node, "details": details}


def _words(error: Exception) -> tuple[str, str, str]:
    match error:
        case UserError():
            return error.message, error.hint, getattr(error, "node", "")
        case OutOfMemoryError() | MemoryError():
            return (
                "The device has no memory left for a training step.",
                "Halve the batch size and double Accumulate, or make the network smaller; "
                "then train again, or resume if a checkpoint was saved.",
                "",
            )
        case NodeError():
            return (
                f"The layer {error.node} failed: {_first_line(error)}",
                "Look at the settings of this layer and at the shapes that reach it.",
                error.node,
            )
        case OSError():
            name = f" ({error.filename})" if error.filename else ""
            return (
                f"The system refused a file{name}: {error.strerror or error}.",
                "Put this right, then resume the run.",
                "",
            )
    return (
        f"Something unexpected went wrong: {_first_line(error)}",
        "The run can be resumed from its last checkpoint; the details help to report this.",
        "",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:500] if lines else type(error).__name__
