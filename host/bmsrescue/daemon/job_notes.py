"""What was under way, in a file: the next start tells which job was cut off by the death of this process.

The unit is no concern of this file: the agent makes it safe by itself when the host is gone, and the helper's journal
knows where the next run goes on.
"""

import json
import time
from pathlib import Path
from typing import Any

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError
from rescuelink.errors import LinkError

FILE_NAME = "daemon-jobs.json"
_FORMAT = 1


class JobNotes:
    """Jobs under way, and those that an earlier process left behind (`interrupted`, by helper)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._running: dict[str, dict[str, Any]] = {}
        self.interrupted: dict[str, dict[str, Any]] = self._left_behind()

    def begin(self, helper: str, method: str, params: list[Any]) -> None:
        """Before a job begins. Raises LinkError (host_disk): a job that cannot be noted is not begun."""
        self._running[helper] = {"method": method, "params": params, "began": time.time(), "step": None}
        try:
            self._save()
        except HostError as error:
            del self._running[helper]
            raise _disk(error) from None

    def step(self, helper: str, step: str) -> None:
        """The job has come to a step. Raises LinkError (host_disk)."""
        if helper in self._running:
            self._running[helper]["step"] = step
            self._save_or_raise()

    def end(self, helper: str, interrupted: bool = False) -> None:
        """The job is over; `interrupted`: the helper was lost in it. Raises LinkError (host_disk).

        Only the same work, carried to its end, takes back what was noted of an earlier one: a look does not.
        """
        entry = self._running.pop(helper, None)
        if entry is None:
            return
        before = self.interrupted.get(helper)
        if interrupted:
            self.interrupted[helper] = entry
        elif before is not None and before["method"] == entry["method"]:
            del self.interrupted[helper]
        self._save_or_raise()

    def forget(self, helper: str) -> None:
        """Somebody has seen that the job was interrupted. Raises LinkError (host_disk)."""
        self.interrupted.pop(helper, None)
        self._save_or_raise()

    def _left_behind(self) -> dict[str, dict[str, Any]]:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            left = {**document["interrupted"], **document["running"]}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            return {"": {"method": "unknown", "params": [], "began": None, "step": None}}
        return {name: entry for name, entry in left.items() if isinstance(entry, dict)}

    def _save_or_raise(self) -> None:
        try:
            self._save()
        except HostError as error:
            raise _disk(error) from None

    def _save(self) -> None:
        document = {"format": _FORMAT, "running": self._running, "interrupted": self.interrupted}
        write_atomically(self._path, json.dumps(document).encode(), private=True)


def _disk(error: HostError) -> LinkError:
    return LinkError("host_disk", error.message, next_step="make room in the host's data folder")
