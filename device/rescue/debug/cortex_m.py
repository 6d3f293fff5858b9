# Control of one Cortex-M core through its AHB-AP. Armv7-M DDI 0403E chapter C1.

from micropython import const

from rescue.debug import cortex_m_registers as cm
from rescue.hal.ports import Timeout
from rescuelink.errors import TargetError, WireError

_HALT_MS = const(100)
_SHORT_MS = const(500)  # a host may wait that long to be heard; routines run where the stack is at its deepest
_RESET_MS = const(2500)  # with a reset supervisor
_REGISTER_MS = const(50)


class CortexM:
    """reset_halted: nothing but our own routines has run since the last reset; clocks, caches, MPU are as after it."""

    resets = 0  # system resets asked for, of all cores so far: each makes an edge on NRST

    def __init__(self, ap, clock):
        self.ap = ap
        self.clock = clock
        self.reset_halted = False
        self._fresh = False  # reset_halted when the routine was started
        self._ran = False  # a routine has, since the last reset

    # -- run control -------------------------------------------------------------------------------------------------

    def halt(self):
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN | cm.C_HALT)
        self._wait_halted(_HALT_MS, "halt of the core")

    def resume(self):
        self.reset_halted = False
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN)

    def step(self):
        """One instruction, interrupts masked."""
        self.reset_halted = False
        # C_MASKINTS may only change while the core stays halted.
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN | cm.C_HALT | cm.C_MASKINTS)
        self.ap.write32(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN | cm.C_STEP | cm.C_MASKINTS)
        self._wait_halted(_HALT_MS, "single step")

    def catch_reset(self):
        """Make the next reset end in a halt before the first instruction."""
        self.write(cm.DEMCR, cm.TRCENA | cm.VC_CORERESET)
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN)

    def wait_caught(self):
        """After catch_reset() and a reset: halted, with the vector catch taken back."""
        self._wait_halted(_RESET_MS, "halt after reset")
        self.write(cm.DEMCR, cm.TRCENA)
        self.reset_halted = True
        self._ran = False

    def reset_halt(self):
        """System reset, halted before the first instruction."""
        # Halted first, so that nothing runs between these writes; a core that cannot halt is reset all the same.
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN | cm.C_HALT)
        self.write(cm.DEMCR, cm.TRCENA | cm.VC_CORERESET)
        self.ap.read32(cm.DHCSR)  # clears an old S_RESET_ST
        CortexM.resets += 1
        epoch = self.ap.dp.epoch
        try:
            self.write(cm.AIRCR, cm.AIRCR_SYSRESETREQ)
        except WireError:
            pass  # the reset may cut its own transfer short; whether it came is asked next
        CortexM.resets += self.ap.dp.epoch != epoch  # it may have been sent twice
        self._wait_halted(_RESET_MS, "system reset", cm.S_RESET_ST)
        self.wait_caught()

    def release(self, restart=False):
        """Let the core run as if no debugger were there; with `restart` from a reset on, where a routine of ours has
        run on it since the last one: nobody else takes that back."""
        if restart and self._ran:
            self.reset_halt()
        self.reset_halted = False
        self.write(cm.DEMCR, 0)
        self.write(cm.DHCSR, cm.DHCSR_KEY)

    def write(self, address, value):
        """A debug register that may be written twice: anything but a single step."""
        self.ap.write32(address, value, again=True)

    def _wait_halted(self, limit_ms, what, bits=cm.S_HALT):
        """Until one of `bits` is set in DHCSR. Transfers refused while the chip resets are tried until the limit."""
        limit = Timeout(self.clock, limit_ms, what)
        refused = None
        while not limit.expired():
            try:
                if self.ap.read32(cm.DHCSR) & bits:
                    return
                refused = None
            except WireError as error:
                refused = error
            if limit_ms > _SHORT_MS:
                self.clock.sleep_ms(1)  # hears the host, which takes stack
            else:
                self.clock.sleep_us(1000)
        if refused is not None:
            raise refused
        limit.check()

    # -- looking (more of it: cortex_m_watch.py) ---------------------------------------------------------------------

    def state(self):
        """ "reset", "lockup", "halted", "sleeping" or "running", without stopping the core."""
        self.ap.read32(cm.DHCSR)
        status = self.ap.read32(cm.DHCSR)  # S_RESET_ST clears on reading: still set means still in reset
        for bit, name in (
            (cm.S_RESET_ST, "reset"),
            (cm.S_LOCKUP, "lockup"),
            (cm.S_HALT, "halted"),
            (cm.S_SLEEP, "sleeping"),
        ):
            if status & bit:
                return name
        return "running"

    # -- registers and routines (core halted) ------------------------------------------------------------------------

    def read_core(self, reg):
        """A core register by its DCRSR number."""
        self.write(cm.DCRSR, reg)
        self._wait_register()
        return self.ap.read32(cm.DCRDR)

    def write_core(self, reg, value):
        # Not by write(): routines are started where the stack is at its deepest.
        self.ap.write32(cm.DCRDR, value, again=True)
        self.ap.write32(cm.DCRSR, cm.DCRSR_WRITE | reg, again=True)
        self._wait_register()

    def _wait_register(self):
        limit = Timeout(self.clock, _REGISTER_MS, "core register transfer")
        while not self.ap.read32(cm.DHCSR) & cm.S_REGRDY:
            limit.check()

    def call(self, entry, args, stack, limit_ms, usual_ms=0):
        """Run the Thumb routine at `entry` with up to four `args` in r0..r3 and the stack at `stack` until its BKPT.

        Interrupts are masked. Returns r0. Raises TargetError "timeout", or "fault" if the routine took an exception;
        the core is halted in either case, but needs a reset before the next call. It is not asked before `usual_ms`.
        """
        self.start(entry, args, stack)
        self.clock.sleep_ms(usual_ms)
        return self.result(limit_ms)

    def start(self, entry, args, stack):
        """Begin a call(); result() ends it."""
        self._fresh = self.reset_halted
        self._ran = True
        self.reset_halted = False  # until the routine has ended well
        for number, value in enumerate(args):
            self.write_core(cm.R0 + number, value)
        self.write_core(cm.SPECIAL, 1)  # PRIMASK; thread mode on the main stack
        self.write_core(cm.MSP, stack)
        self.write_core(cm.XPSR, cm.XPSR_THUMB)
        self.write_core(cm.PC, entry & ~1)
        self.write(cm.DFSR, cm.DFSR_ALL)
        # A fault halts the core instead of entering a handler that may not exist.
        self.write(cm.DEMCR, cm.TRCENA | cm.VC_HARDERR | cm.VC_BUSERR)
        self.write(cm.DHCSR, cm.DHCSR_KEY | cm.C_DEBUGEN)

    def result(self, limit_ms):
        """What the routine begun by start() returns; waits for its end, and raises like call()."""
        try:
            self._wait_halted(limit_ms, "routine on the core")
        except TargetError:
            self.halt()
            raise
        finally:
            self.write(cm.DEMCR, cm.TRCENA)
        if not self.ap.read32(cm.DFSR) & cm.DFSR_BKPT:
            cfsr = self.ap.read32(cm.CFSR)
            address = self.ap.read32(cm.BFAR) if cfsr & cm.CFSR_BFARVALID else None
            raise TargetError("fault", "the routine on the core faulted (CFSR 0x%08x)" % cfsr, address)
        self.reset_halted = self._fresh
        return self.read_core(cm.R0)
