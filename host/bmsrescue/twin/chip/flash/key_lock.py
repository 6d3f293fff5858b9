"""The two-key locks of the flash controller (RM0468 section 4.5.1; fact sheet 4.2)."""

from __future__ import annotations


class KeyLock:
    """After a wrong key or a second sequence it stays shut until the next reset, if so configured."""

    __slots__ = ("_keys", "_step", "_sticks", "_stuck", "locked")

    def __init__(self, keys: tuple[int, int], sticks: bool) -> None:
        self._keys = keys
        self._sticks = sticks
        self.reset()

    def reset(self) -> None:
        self.locked = True
        self._step = 0
        self._stuck = False

    def write(self, value: int) -> None:
        if self._stuck:
            return
        if not self.locked or value != self._keys[self._step]:
            self._step = 0
            if self._sticks:
                self._stuck = True
                self.locked = True
            return
        self._step += 1
        if self._step == len(self._keys):
            self._step = 0
            self.locked = False
