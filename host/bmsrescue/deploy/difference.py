"""What is on the helper, what should be, and what has to be done about it."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from bmsrescue.agent import words
from bmsrescue.board import config as board_config
from bmsrescue.deploy import snippets
from bmsrescue.deploy.release import BEFORE_USB, MIP_PACKAGES, PACKAGES, START, Files
from bmsrescue.deploy.repl import AGAIN, Repl
from rescuelink.errors import LinkError

_SHA256_DIGITS = 64


class Action(Enum):
    """What happens to one file."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"
    KEEP = "unchanged"


@dataclass(frozen=True)
class OnBoard:
    """A file on the helper."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Change:
    """One file. `size`: what it takes afterwards; of a removed one, what it took."""

    path: str
    action: Action
    size: int


@dataclass(frozen=True)
class Difference:
    """Every file of the agent, sorted by path."""

    changes: tuple[Change, ...]
    wanted: Files = field(repr=False)

    def of(self, *actions: Action) -> list[Change]:
        return [change for change in self.changes if change.action in actions]

    @property
    def to_bring(self) -> list[Change]:
        return self.of(Action.ADD, Action.UPDATE)

    @property
    def is_none(self) -> bool:
        return not self.of(Action.ADD, Action.UPDATE, Action.REMOVE)


def files_on(repl: Repl, names: tuple[str, ...]) -> dict[str, OnBoard]:
    """The files under `names` (files or trees) with the hashes that the board computes of them."""
    found = {}
    for line in repl.run(snippets.LIST, NAMES=names).splitlines():
        digest, _, rest = line.partition(" ")
        size, _, path = rest.partition(" ")
        if len(digest) != _SHA256_DIGITS or not size.isdigit() or not path:
            raise LinkError("board", f"{repl.url} answered {line[:60]!r}", next_step=AGAIN)
        found[path] = OnBoard(digest, int(size))
    return found


def ours_on(repl: Repl) -> dict[str, OnBoard]:
    """The agent's files on the helper, whatever brought them, and its board.json."""
    return files_on(repl, (BEFORE_USB, START, board_config.NAME, *PACKAGES, words.PLACE, *MIP_PACKAGES))


def compare(wanted: Files, present: dict[str, OnBoard]) -> Difference:
    """What makes `present` into `wanted`. Everything in the agent's own folders that is not wanted is stale: a source
    file beside its compiled one would be taken first."""
    changes = [Change(path, _action(data, present.get(path)), len(data)) for path, data in wanted.items()]
    changes += [Change(path, Action.REMOVE, there.size) for path, there in present.items() if path not in wanted]
    return Difference(tuple(sorted(changes, key=lambda change: change.path)), wanted)


def directories_of(paths: list[str]) -> list[str]:
    """Every directory above the paths, outer ones first."""
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(found - {"."})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _action(data: bytes, there: OnBoard | None) -> Action:
    if there is None:
        return Action.ADD
    return Action.KEEP if there.sha256 == sha256(data) else Action.UPDATE
