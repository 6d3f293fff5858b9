"""Carries a plan out. main.py goes first and comes back last, so that half an agent never starts by itself."""

from collections.abc import Callable

from bmsrescue.board import config as board_config
from bmsrescue.deploy import snippets
from bmsrescue.deploy.difference import Action, directories_of, ours_on, sha256
from bmsrescue.deploy.plan import Plan
from bmsrescue.deploy.release import MIP_PACKAGES, PACKAGES, START
from bmsrescue.deploy.repl import Repl
from rescuelink.errors import LinkError

_AGAIN = 2
_TREES = (*PACKAGES, *MIP_PACKAGES)
_UNFINISHED = board_config.NAME + ".new"
_RENAME = "import os\nos.rename(OLD_PLACE, NEW_PLACE)"

OnFile = Callable[[str, int], None]


def bring(repl: Repl, plan: Plan, on_file: OnFile) -> None:
    """Make the helper's files those of the plan; `on_file(path, size)` is called before each.

    Raises:
        LinkError: kinds "no_space" (nothing was changed if that could be foreseen), "not_verified" (what was written
            reads back otherwise), and those of `Repl.run`.
    """
    difference = plan.difference
    if difference.is_none:
        if plan.serves_frozen:  # a deployment that was cut may have left a folder, which hides a frozen package
            repl.run(snippets.REMOVE_EMPTY_TREES, NAMES=_TREES)
        return
    plan.check_space()
    stale = [change.path for change in difference.of(Action.REMOVE)]
    if any(change.path == START for change in difference.of(Action.KEEP, Action.UPDATE)):
        stale.insert(0, START)
    repl.run(snippets.REMOVE, NAMES=stale)
    repl.run(snippets.REMOVE_EMPTY_TREES, NAMES=_TREES)
    repl.run(snippets.MAKE_DIRECTORIES, NAMES=directories_of(list(difference.wanted)))
    repl.ready_to_send(snippets.RECEIVE)
    for change in difference.to_bring:
        if change.path == START:
            continue
        on_file(change.path, change.size)
        if change.path == board_config.NAME:
            write_file(repl, _UNFINISHED, difference.wanted[change.path])
            repl.run(_RENAME, OLD_PLACE=_UNFINISHED, NEW_PLACE=change.path)
        else:
            write_file(repl, change.path, difference.wanted[change.path])
    _verify(repl, plan, without=START)
    on_file(START, len(difference.wanted[START]))
    write_file(repl, START, difference.wanted[START])
    _verify(repl, plan, without="")


def write_file(repl: Repl, path: str, data: bytes) -> None:
    """A file, from its beginning again when an answer was lost on the way. `snippets.RECEIVE` has to be there."""
    for _ in range(_AGAIN):
        try:
            _write_once(repl, path, data)
        except LinkError as error:
            if error.kind != "lost":
                raise
            repl.enter()
            repl.ready_to_send(snippets.RECEIVE)
        else:
            return
    _write_once(repl, path, data)


def _write_once(repl: Repl, path: str, data: bytes) -> None:
    repl.send(data, snippets.TAKE, NAME=path, SIZE=len(data))


def _verify(repl: Repl, plan: Plan, without: str) -> None:
    present = ours_on(repl)
    wanted = {path: sha256(data) for path, data in plan.difference.wanted.items() if path != without}
    wrong = sorted(
        path
        for path in wanted.keys() | present.keys()
        if path not in wanted or path not in present or present[path].sha256 != wanted[path]
    )
    if wrong:
        raise LinkError(
            "not_verified",
            f"the helper does not hold what was written: {', '.join(wrong[:3])}",
            next_step="run the same command again; if it happens again, its flash is failing",
        )
