"""The few of Unicorn's functions that are called for each access and each run, past the layers of its Python binding.

The binding wraps every callback and every call several times; running firmware is mostly accesses to devices. An error
that a callback raises ends the run, and `start` raises it, as the binding has it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

from unicorn import unicorn_const as uc_const
from unicorn.arm_const import UC_ARM_REG_PC
from unicorn.unicorn import Uc, UcError
from unicorn.unicorn_py3.unicorn import uclib

_UNTIL = 0xFFFFFFFF
_READ_DEVICE = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_uint, ctypes.c_size_t)
_WRITE_DEVICE = ctypes.CFUNCTYPE(
    None, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_size_t
)
_WRITE_MEMORY = ctypes.CFUNCTYPE(
    ctypes.c_bool, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_int64, ctypes.c_size_t
)
_WIDTH_MASKS = {width: (1 << 8 * width) - 1 for width in (1, 2, 4, 8)}


class Native:
    """One core's part of the C library. It must not outlive its `Uc`."""

    def __init__(self, core: Uc) -> None:
        library: Any = uclib
        # Looked up by item, functions have no argument types: what is passed is what C takes, and nothing is converted.
        # They are short: for other threads to go on meanwhile takes longer than most of them.
        short = ctypes.PyDLL(None, handle=library._handle)
        start = short["uc_emu_start"]
        stop = short["uc_emu_stop"]
        read = short["uc_reg_read"]
        unannotated: Any = core
        self._handle = ctypes.c_void_p(unannotated._uch.value)
        self._word = ctypes.c_uint32()
        self._begin = ctypes.c_uint64()
        self._instructions = ctypes.c_size_t()
        # Whatever does not change from call to call is bound to the function once.
        self._start = partial(start, self._handle, self._begin, ctypes.c_uint64(_UNTIL), ctypes.c_uint64(0))
        self._stop = partial(stop, self._handle)
        self._read_pc = partial(read, self._handle, ctypes.c_int(UC_ARM_REG_PC), ctypes.byref(self._word))
        self._kept: list[object] = []
        self._raised: BaseException | None = None

    def start(self, begin: int, instructions: int) -> None:
        """Execute; raises UcError as the library has it, or what a callback raised."""
        self._raised = None
        self._begin.value = begin
        self._instructions.value = instructions
        status = self._start(self._instructions)
        if self._raised is not None:
            raise self._raised
        if status != uc_const.UC_ERR_OK:
            unannotated: Any = UcError
            raise unannotated(status)

    def stop(self) -> None:
        self._stop()

    def read_pc(self) -> int:
        self._read_pc()
        return self._word.value

    def map_devices(
        self, start: int, size: int, read: Callable[[int, int], int], write: Callable[[int, int, int], None]
    ) -> None:
        """Hand loads and stores in that range to `read(address, width)` and `write(address, width, value)`."""

        def on_read(_core: int, offset: int, width: int, _data: int) -> int:
            try:
                return read(start + offset, width)
            except BaseException as error:  # noqa: BLE001 - raised again by `start`: C has no exceptions
                self._fail(error)
                return 0

        def on_write(_core: int, offset: int, width: int, value: int, _data: int) -> None:
            try:
                write(start + offset, width, value)
            except BaseException as error:  # noqa: BLE001 - as above
                self._fail(error)

        callbacks = (_READ_DEVICE(on_read), _WRITE_DEVICE(on_write))
        self._kept.append(callbacks)
        read_at, write_at = (ctypes.cast(callback, ctypes.c_void_p) for callback in callbacks)
        self._check(uclib.uc_mmio_map(self._handle, start, size, read_at, 0, write_at, 0))

    def watch_writes(self, start: int, size: int, handler: Callable[[int, int, int], None]) -> None:
        """Call ``handler(address, width, value)`` before each store into a range of memory that is mapped read-only.

        The store happens all the same. A hook on stores would make each access to any memory a slow one.
        """

        def on_write(_core: int, _kind: int, address: int, width: int, value: int, _data: int) -> bool:
            try:
                handler(address, width, value & _WIDTH_MASKS[width])
            except BaseException as error:  # noqa: BLE001 - as above
                self._fail(error)
            return True

        callback = _WRITE_MEMORY(on_write)
        hook = ctypes.c_size_t()
        self._kept.append((callback, hook))
        self._check(
            uclib.uc_hook_add(
                self._handle,
                ctypes.byref(hook),
                uc_const.UC_HOOK_MEM_WRITE_PROT,
                ctypes.cast(callback, ctypes.c_void_p),
                None,
                ctypes.c_uint64(start),
                ctypes.c_uint64(start + size - 1),
            )
        )

    def _fail(self, error: BaseException) -> None:
        # Of several errors in one run, the first counts.
        if self._raised is None:
            self._raised = error
        self.stop()

    def _check(self, status: int) -> None:
        if status != uc_const.UC_ERR_OK:
            unannotated: Any = UcError
            raise unannotated(status)
