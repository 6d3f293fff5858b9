"""What the board says of itself."""

from dataclasses import dataclass

from bmsrescue.agent.build import MpyFormat
from bmsrescue.agent.frozen import FrozenAgent
from bmsrescue.deploy import snippets
from bmsrescue.deploy.repl import AGAIN, Repl
from rescuelink.errors import LinkError

OLDEST = (1, 22, 0)


@dataclass(frozen=True)
class BoardFacts:
    """format: what it loads compiled; None when its build loads only source."""

    version: tuple[int, int, int]
    machine: str
    platform: str
    format: MpyFormat | None

    @property
    def micropython(self) -> str:
        return ".".join(str(part) for part in self.version)


def ask(repl: Repl) -> BoardFacts:
    """Ask the board.

    Raises:
        LinkError: kinds "no_micropython", "too_old" (the agent cannot run on it), and those of `Repl.run`.
    """
    name, version, mpy, machine, platform = repl.value(snippets.FACTS)
    if name != "micropython":
        raise LinkError(
            "no_micropython", f"{repl.url} runs {name}, not MicroPython", next_step="put MicroPython on the board first"
        )
    if version < OLDEST:
        raise LinkError(
            "too_old",
            f"{machine} runs MicroPython {'.'.join(map(str, version))}",
            next_step="the agent needs 1.22 or newer: update the board's firmware (micropython.org/download)",
        )
    return BoardFacts(version, machine, platform, MpyFormat.of(mpy) if mpy else None)


def ask_frozen(repl: Repl) -> FrozenAgent | None:
    """The agent that the board's firmware holds; None without one.

    Raises:
        LinkError: those of `Repl.run`.
    """
    answer = repl.value(snippets.FROZEN)
    if answer is None:
        return None
    try:
        return FrozenAgent.of(*answer)
    except (TypeError, ValueError) as error:
        raise LinkError("board", f"{repl.url} lists its frozen modules as {answer!r:.60}", next_step=AGAIN) from error
