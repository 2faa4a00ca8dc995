"""Room 18: the command line, and the only reader of argv.

One file per command, imported when that command runs and not before: `calve --help` reads the table in `group.py` and
imports no service, no server and no table printer.

What goes wrong shows as one line on standard error, `calve: error: …`, without a traceback; a traceback means a bug.

    exit code   0  done      1  failed      2  something has to be configured or typed differently      130  interrupted
                3  `calve contract check`: nothing breaks, but a lock is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..core.errors import CalveError
from .group import calve

__all__ = ["main"]

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: Arguments without the program's name; None takes the process's own.
    Returns: the exit code; see above.
    """
    try:
        result = calve.main(argv, prog_name="calve", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        print(asked.format_message())  # noqa: T201
        return 0
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except CalveError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has read enough. Python would complain at exit when it flushes what is left.
        sys.stdout = None
        return 1
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    print(f"calve: error: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return code
