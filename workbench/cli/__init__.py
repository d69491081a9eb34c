"""The command line: the same engine as the window's, for terminals and scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from workbench.cli.arguments import NAMES, parse
from workbench.cli.output import Output
from workbench.cli.parser import WrongUsage
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAMES", "main"]

DONE, PROBLEMS, WRONG_USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str]) -> int:
    """Do one command and return the exit status: 0, 1, 2, 3 or 130."""
    output = Output("--json" in arguments)
    status = _do(arguments, output)
    if output.lost is not None:
        output.note(f"Not all of the output could be written: {output.lost.strerror}.")
    return FAILED if output.lost is not None and status == DONE else status


def _do(arguments: Sequence[str], output: Output) -> int:
    try:
        options = parse(arguments)
        return int(options.run(options, output))
    except WrongUsage as error:
        output.fail(error)
        return WRONG_USAGE
    except UserError as error:
        output.fail(error)
        return FAILED
    except KeyboardInterrupt:
        output.fail(UserError("Interrupted."))
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has closed it: `workbench runs list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        output.fail(_unexpected(error))
        return FAILED


def _unexpected(error: Exception) -> UserError:
    """Keep the traceback in a file; nobody should have to read one in the terminal."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="workbench-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(traceback.format_exc())
    return UserError(
        f"Something unexpected went wrong: {type(error).__name__}: {error}.",
        f"Please report it, with {log.name}.",
    )
