"""What happens to errors: one clear sentence and an exit status, never a traceback.

Is: the last catch of the terminal's commands. Is not: the meaning of any error. Statuses: 2 the
input or the farm says no, 70 a fault of ours (`EX_SOFTWARE`), 130 ended with Ctrl+C.
"""

from __future__ import annotations

import errno
import traceback
from typing import Any, Final

import click

from flamenco_p2p.cli.finding import where_in
from flamenco_p2p.cli.output import remark
from flamenco_p2p.farm.errors import FarmError

WRONG_INPUT: Final = 2
OUR_FAULT: Final = 70
INTERRUPTED: Final = 130
KEPT_IN: Final = "last-failure.txt"


class Commands(click.Group):
    """A group whose commands fail in words."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """As they were added, not by the alphabet."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; turn what it raises into a sentence and a status."""
        try:
            return super().invoke(context)
        except (click.exceptions.Exit, click.Abort, click.ClickException):
            raise
        except KeyboardInterrupt:
            context.exit(INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # whoever read our output has gone: click ends quietly
            _report(context, error)
            context.exit(WRONG_INPUT if _in_words(error) is not None else OUR_FAULT)


def _report(context: click.Context, error: Exception) -> None:
    if context.params.get("debug"):
        remark("".join(traceback.format_exception(error)))
    known = _in_words(error)
    said = str(known) if known is not None else _our_fault(context, error)
    remark(said[:1].upper() + said[1:])  # what a script says, for one, begins anyhow


def _in_words(error: BaseException) -> FarmError | None:
    """The error that was made for people, also out of a group."""
    if isinstance(error, FarmError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := _in_words(one))), None)
    return None


def _our_fault(context: click.Context, error: Exception) -> str:
    what = f"Something went wrong in flamenco-p2p ({type(error).__name__}: {error})."
    try:
        folder = where_in(context).data_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / KEPT_IN).write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:
        return f"{what} Repeat it as `flamenco-p2p --debug …` to see where."
    return f"{what} The details are in {folder / KEPT_IN}; please report them."
