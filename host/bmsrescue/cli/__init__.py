"""The command `bmsrescue`.

Exit status: 0 the unit ended well or the command did its work, 1 it did not, 2 the command was used wrongly, 3 there is
trouble with a helper or the link to it. An error is one sentence and what to do next, on standard error.
"""

import io
import os
import signal
import sys
from types import TracebackType
from typing import Annotated

import typer

from bmsrescue import __version__
from bmsrescue.cli.commands import register
from bmsrescue.cli.common import error_as_dict, print_json
from bmsrescue.cli.exit_status import status_of
from bmsrescue.cli.helper.common import tell_late_errors
from bmsrescue.cli.output import show_error, show_note
from bmsrescue.errors import HostError
from rescuelink.errors import RescueError

_TRACEBACK_VARIABLE = "BMSRESCUE_TRACEBACK"
_CTRL_C = 128 + signal.SIGINT  # what typer leaves with then, without a word

app = typer.Typer(
    help="Brings back dead battery management systems.",
    epilog="Exit status: 0 well; 1 the unit or the work did not end well; 2 used wrongly; 3 trouble with a helper or "
    "the link to it; 4 the image is in and verified, and nobody could prove that a power cycle brings the unit back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bmsrescue {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command and leave with its exit status."""
    if not os.environ.get(_TRACEBACK_VARIABLE):
        sys.excepthook = _say_unexpected
    # Not `app()`: that puts an exception hook of its own over ours.
    command = typer.main.get_command(app)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has not every character still shows the rest
    try:
        command(prog_name="bmsrescue")
    except SystemExit as ended:
        if ended.code == _CTRL_C:
            show_note("stopped by Ctrl-C")
        sys.exit(tell_late_errors() or ended.code)
    except (HostError, RescueError) as error:
        if "--json" in sys.argv:
            print_json({"error": error_as_dict(error)})
        elif isinstance(error, HostError):
            show_error(error.message, error.next_step)
        else:
            show_error(error.sentence(), "")
        sys.exit(status_of(error))


def _say_unexpected(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """A fault of ours: still one sentence."""
    show_error(
        f"this is a fault of bmsrescue itself ({kind.__name__}: {error})",
        f"Please report it, with what {_TRACEBACK_VARIABLE}=1 shows when you run the same again.",
    )
