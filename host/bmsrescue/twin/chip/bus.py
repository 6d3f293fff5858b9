"""Address decoding: what answers at an address, for the debug port and for the core's own accesses alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

PAGE_BITS = 10
"""Decoding granule: 1 KiB, the smallest region ST gives a peripheral."""


class BusError(Exception):
    """The bus answered with an error: nothing there, not allowed, or broken contents. ``address`` says where."""

    def __init__(self, address: int, reason: str) -> None:
        super().__init__(f"{reason} at 0x{address:08x}")
        self.address = address
        self.reason = reason


class BusWait(Exception):
    """The access is held off. ``until_ns`` is when it will go through, or None when that depends on others."""

    def __init__(self, until_ns: int | None = None) -> None:
        super().__init__("the bus is stalled")
        self.until_ns = until_ns


class BusDevice(Protocol):
    """Something that answers to addresses. Sizes are 1, 2 or 4 bytes, naturally aligned; values are little-endian."""

    def read(self, address: int, size: int) -> int: ...

    def write(self, address: int, size: int, value: int) -> None: ...


class RamBlock:
    """A RAM. ``data`` is never resized: the core maps the same bytes."""

    __slots__ = ("data", "enabled", "gated_error", "name", "start")

    def __init__(self, name: str, start: int, size: int, *, enabled: bool = True, gated_error: bool = True) -> None:
        self.name = name
        self.start = start
        self.data = bytearray(size)
        self.enabled = enabled
        """False while RCC keeps its clock off."""
        self.gated_error = gated_error
        """With the clock off an access is a bus error; otherwise it reads 0 and drops writes."""

    def read(self, address: int, size: int) -> int:
        if not self.enabled:
            return self._gated(address)
        offset = address - self.start
        return int.from_bytes(self.data[offset : offset + size], "little")

    def read_run(self, address: int, size: int) -> bytes:
        offset = address - self.start
        return bytes(self.data[offset : offset + size]) if self.enabled else b""

    def write(self, address: int, size: int, value: int) -> None:
        if not self.enabled:
            self._gated(address)
            return
        offset = address - self.start
        self.data[offset : offset + size] = value.to_bytes(size, "little")

    def write_run(self, address: int, data: bytes) -> int:
        if not self.enabled:
            return 0
        offset = address - self.start
        self.data[offset : offset + len(data)] = data
        return len(data)

    def _gated(self, address: int) -> int:
        if self.gated_error:
            raise BusError(address, f"{self.name} is not clocked")
        return 0


class RomBlock:
    """Read-only memory; writes are bus errors."""

    __slots__ = ("data", "start")

    def __init__(self, start: int, data: bytearray) -> None:
        self.start = start
        self.data = data

    def read(self, address: int, size: int) -> int:
        offset = address - self.start
        return int.from_bytes(self.data[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        raise BusError(address, "read-only memory")


class Bus:
    """The system bus: devices by address range, in whole KiB. What is attached later covers what was there before."""

    def __init__(self) -> None:
        self.pages: dict[int, BusDevice] = {}
        """The device of each page of addresses, by `address >> PAGE_BITS`."""

    def attach(self, start: int, size: int, device: BusDevice) -> None:
        first = start >> PAGE_BITS
        last = (start + size - 1) >> PAGE_BITS
        for page in range(first, last + 1):
            self.pages[page] = device

    def device_at(self, address: int) -> BusDevice | None:
        return self.pages.get(address >> PAGE_BITS)

    def read(self, address: int, size: int) -> int:
        """Read ``size`` bytes; raises BusError where nothing answers, BusWait while the device stalls."""
        device = self.pages.get(address >> PAGE_BITS)
        if device is None:
            raise BusError(address, "nothing there")
        return device.read(address, size)

    def read_run(self, address: int, size: int) -> bytes:
        """The bytes there as far as reading them is nothing but reading; empty where each read needs a look."""
        read_run = getattr(self.pages.get(address >> PAGE_BITS), "read_run", None)
        if read_run is None:
            return b""
        left_in_page = (1 << PAGE_BITS) - address % (1 << PAGE_BITS)
        data: bytes = read_run(address, min(size, left_in_page))
        return data

    def write(self, address: int, size: int, value: int) -> None:
        """Write ``size`` bytes; raises like ``read``."""
        device = self.pages.get(address >> PAGE_BITS)
        if device is None:
            raise BusError(address, "nothing there")
        device.write(address, size, value)

    def write_run(self, address: int, data: bytes) -> int:
        """Write as much of ``data`` as writing it is nothing but writing; how many bytes that was."""
        write_run = getattr(self.pages.get(address >> PAGE_BITS), "write_run", None)
        if write_run is None:
            return 0
        left_in_page = (1 << PAGE_BITS) - address % (1 << PAGE_BITS)
        written: int = write_run(address, data[:left_in_page])
        return written


class GuardedDevice:
    """A device behind a condition: ``guard(address)`` may raise BusError or BusWait before the access reaches it."""

    __slots__ = ("_device", "_guard")

    def __init__(self, device: BusDevice, guard: Callable[[int], None]) -> None:
        self._device = device
        self._guard = guard

    def read(self, address: int, size: int) -> int:
        self._guard(address)
        return self._device.read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        self._guard(address)
        self._device.write(address, size, value)
