"""Run one command line and return its exit status."""

from __future__ import annotations

import errno
import os
import sys
import traceback

import typer

from eqspec.cli.app import app
from eqspec.cli.errors import render_error
from eqspec.cli.processes import wait_for_main
from eqspec.cli.screen import Screen
from eqspec.errors import EqspecError, PeerLost, UsageError

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit status: 0 success, 1 failure, 2 a mistake in the spec or usage, 3 a run folder
        that disagrees with its plan, 130 or 143 interrupted.
    """
    arguments = sys.argv[1:] if argv is None else argv
    screen = Screen(asked=arguments)
    with screen.taking_stdout():
        status = _status_of(arguments, screen=screen)
    if screen.lost is None:
        return status
    # A run has finished all the same, and its results are in its folder.
    reason = f"the output could not be written to stdout: {screen.lost.strerror}"
    screen.say_drawn(render_error(EqspecError(reason), colour=screen.colour))
    return status or EqspecError.exit_status


def _status_of(arguments: list[str], *, screen: Screen) -> int:
    try:
        status = app().main(arguments, prog_name="eqspec", standalone_mode=False, obj=screen)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        called = "eqspec" if context is None else context.command_path
        wrong = UsageError(error.format_message())
        screen.after_error = (*called.split(), "--help")
        return _refuse(wrong, screen=screen)
    except EqspecError as error:
        return _refuse(error, screen=screen)
    except OSError as error:
        if (wrong := _wrong_path(error)) is None:
            raise
        return _refuse(wrong, screen=screen)
    if status == INTERRUPTED and not screen.has_suggested:
        # A run in progress handles signals itself; this one came before or after it.
        screen.say("Stopped.")
        screen.suggest("eqspec", *arguments)
    return int(status or 0)


def _wrong_path(error: OSError) -> UsageError | None:
    """Return a usage error if the cause is a path given by the user, else None."""
    match error.errno:
        case errno.ENAMETOOLONG:
            return UsageError(f"the path is too long: `{str(error.filename)[:60]}…`")
        case errno.EACCES | errno.EPERM if error.filename:
            message = f"cannot access `{error.filename}`: permission denied"
            help_text = "check the owner and the permissions of the path and its parent folders"
            return UsageError(message, help=help_text)
        case _:
            return None


def _refuse(error: EqspecError, *, screen: Screen) -> int:
    """Print the error and suggest what to do next.

    One of several processes lets the main one report it, and a loss of another one is reported by
    the launcher.
    """
    if screen.follows or isinstance(error, PeerLost):
        wait_for_main()
    if screen.follows:
        if isinstance(error, PeerLost):
            return error.exit_status
        screen.speak()
    if os.environ.get("EQSPEC_DEBUG"):  # noqa: TID251 - here the environment is read
        screen.say("".join(traceback.format_exception(error)))
    screen.say_drawn(render_error(error, colour=screen.colour, width=screen.talk_width))
    screen.suggest_after(error)
    return error.exit_status
