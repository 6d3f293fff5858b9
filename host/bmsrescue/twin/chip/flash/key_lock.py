"""The two-key locks of the flash controller (RM0468 and RM0399, section 4.5.1)."""

from __future__ import annotations


class KeyLock:
    """After a wrong key, a third one or a break between them it stays shut until reset, if so configured."""

    __slots__ = ("_keys", "_step", "_sticks", "_stuck", "locked")

    def __init__(self, keys: tuple[int, int], sticks: bool) -> None:
        self._keys = keys
        self._sticks = sticks
        self.reset()

    def reset(self) -> None:
        self.locked = True
        self._step = 0
        self._stuck = False

    @property
    def between_keys(self) -> bool:
        """The first key has been written and the second has not."""
        return self._step > 0

    def write(self, value: int) -> bool:
        """A key; false when it was not the one that was due."""
        if self._stuck or not self.locked or value != self._keys[self._step]:
            self.refuse()
            return False
        self._step += 1
        if self._step == len(self._keys):
            self._step = 0
            self.locked = False
        return True

    def refuse(self) -> None:
        """The sequence was broken."""
        self._step = 0
        if self._sticks:
            self._stuck = True
            self.locked = True
