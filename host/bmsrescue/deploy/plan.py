"""What a deployment will do: found out before anything is changed."""

from dataclasses import dataclass

from bmsrescue.agent.frozen import FrozenAgent
from bmsrescue.board import config as board_config
from bmsrescue.deploy import snippets
from bmsrescue.deploy.difference import Action, Difference, compare, ours_on
from bmsrescue.deploy.facts import BoardFacts, ask, ask_frozen
from bmsrescue.deploy.release import START, Files, as_compiled, as_source, start_only
from bmsrescue.deploy.repl import MAKE_ROOM, Repl
from rescuelink.errors import LinkError

_NAMED = 3  # modules, before it says "and so many more"
_READ_CONFIG = "print(repr(open(NAME).read()))"


@dataclass(frozen=True)
class Plan:
    """notes: what a person should know about the firmware's own agent and about board.json.

    frozen: the agent that the firmware holds. serves_frozen: it is the one that will run.
    """

    facts: BoardFacts
    difference: Difference
    notes: tuple[str, ...]
    block_bytes: int
    free_bytes: int
    frozen: FrozenAgent | None = None
    serves_frozen: bool = False

    @property
    def bytes_to_bring(self) -> int:
        return sum(change.size for change in self.difference.to_bring)

    def check_space(self) -> None:
        """Raises LinkError (no_space) when the files will not fit. File systems give whole blocks."""
        needed = sum(self._blocks(change.size) for change in self.difference.of(Action.ADD, Action.UPDATE))
        freed = sum(self._blocks(change.size) for change in self.difference.of(Action.REMOVE))
        if needed > self.free_bytes + freed:
            raise LinkError(
                "no_space",
                f"the helper has {self.free_bytes:,} bytes free, {needed - freed:,} are needed",
                next_step=MAKE_ROOM,
            )

    def _blocks(self, size: int) -> int:
        return -(-size // self.block_bytes) * self.block_bytes


def make_plan(repl: Repl, board: str | None, source: bool, force: bool, override: bool = False) -> Plan:
    """Compare the helper with this release.

    Args:
        repl: the board's prompt.
        board: a board by name or file; None keeps the helper's own board.json, if it has one.
        source: bring source files instead of compiled ones.
        override: bring the agent's files also where the firmware holds the same; `source` does, too.
        force: write the chosen board.json as it is, without the helper's name and calibrations.

    Raises:
        LinkError: the agent cannot run there (no_micropython, too_old), or the board has gone (`Repl.run`).
        HostError: it cannot be compiled for this board.
        UsageError: there is no such board.
    """
    chosen = board_config.load_board(board or "pico")
    facts = ask(repl)
    frozen = ask_frozen(repl)
    serves_frozen = frozen is not None and not (source or override or frozen.differing())
    wanted: Files
    if serves_frozen:
        wanted = start_only()
    else:
        wanted = as_source() if source or facts.format is None else as_compiled(facts.format)
    present = ours_on(repl)
    own = str(repl.value(_READ_CONFIG, NAME=board_config.NAME)) if board_config.NAME in present else None
    config, notes = _config(chosen, own, keep=board is None and not force, force=force)
    wanted = wanted | {board_config.NAME: config}
    block_bytes, free_blocks = repl.value(snippets.FREE)
    if frozen is not None:
        notes.insert(0, _about(frozen, serves_frozen))
    free_bytes = block_bytes * free_blocks
    return Plan(facts, compare(wanted, present), tuple(notes), block_bytes, free_bytes, frozen, serves_frozen)


def _about(frozen: FrozenAgent, serves: bool) -> str:
    differing = frozen.differing()
    if serves:
        held = f"the firmware holds this agent: {len(frozen.sources)} modules, release {frozen.version}"
        return f"{held}; only {START}, boot.py, {board_config.NAME} and the display's texts are files"
    if not differing:
        return f"the firmware holds this agent, release {frozen.version}; files are brought as asked, and taken first"
    named = ", ".join(differing[:_NAMED])
    more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
    held = f"the firmware holds another agent, release {frozen.version}, without this {named}{more}"
    return f"{held}; the whole agent is brought as files, and taken first"


def _config(chosen: board_config.BoardConfig, own: str | None, keep: bool, force: bool) -> tuple[bytes, list[str]]:
    if own is None:
        return board_config.render(chosen), []
    present = board_config.parse(own)
    if present is None:
        return board_config.render(chosen), ["board.json on the helper was damaged"]
    if keep:
        return own.encode(), ["board.json on the helper is kept as it is; --board chooses another"]
    merged, lost = (chosen, []) if force else board_config.merge(chosen, present)
    notes = [f"the calibration of {name} is lost: its divider has changed" for name in lost]
    return (own.encode() if merged == present else board_config.render(merged)), notes
