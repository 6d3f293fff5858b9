"""Who switches the unit's supply where no helper does: nobody, a command, or a person."""

from __future__ import annotations

import shlex
import subprocess
from typing import Protocol

from bmsrescue.errors import UsageError
from rescuelink.errors import PowerError

_EXEC = "exec:"
PLACE = "{on,off}"
_COMMAND_S = 30.0
_SHOWN = 200


class Supply(Protocol):
    """switch(on) returns when it is done. Raises PowerError."""

    def switch(self, on: bool) -> None: ...


class CommandSupply:
    """A smart plug, a hub or a bench supply behind a command of the user's: `{on,off}` in it becomes on or off.

    It is no shell's command line. It has 30 s, and must end with status 0.
    """

    def __init__(self, command: str, limit_s: float = _COMMAND_S) -> None:
        self._words = shlex.split(command)
        self._limit_s = limit_s
        self._on: bool | None = None

    def switch(self, on: bool) -> None:
        if on is self._on:
            return
        state = "on" if on else "off"
        words = [word.replace(PLACE, state) for word in self._words]
        self._on = None
        try:
            ended = subprocess.run(words, capture_output=True, timeout=self._limit_s, check=False)
        except subprocess.TimeoutExpired:
            raise _failed(words, state, f"did not end within {self._limit_s:g} s") from None
        except OSError as error:
            raise _failed(words, state, f"cannot be started: {error.strerror}") from None
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip()[:_SHOWN]
            raise _failed(words, state, f"ended with status {ended.returncode}" + (f": {said}" if said else ""))
        self._on = on


def _failed(words: list[str], state: str, how: str) -> PowerError:
    return PowerError(
        "switch", f"the command that switches the supply {state} {how} ({words[0]})", next_step="try it by hand"
    )


def supply_from(option: str | None) -> Supply | None:
    """What `--power` names. Raises UsageError."""
    if option is None:
        return None
    if option.startswith(_EXEC):
        command = option[len(_EXEC) :].strip()
        if PLACE not in command:
            raise UsageError(
                "the command of --power does not say where on or off goes",
                f'Like this: --power "exec:plug.sh {PLACE}"',
            )
        return CommandSupply(command)
    raise UsageError(f"--power cannot be {option}", f'Give "ask", or "exec:COMMAND {PLACE}".')
