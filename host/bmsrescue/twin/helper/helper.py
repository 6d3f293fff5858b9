"""The virtual helper: a real MicroPython that runs the agent as shipped, wired to a unit on the twin's bench.

Virtual time passes where the board would spend it: one period per SWCLK cycle, the asked time per sleep, and a modelled
cost per ADC reading, card or flash block, display refresh and look at the clock. The interpreter's own time is not
modelled, so a run's virtual time is a lower bound of the board's.
"""

import contextlib
import json
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from bmsrescue.card.image_bytes import ImageBytes
from bmsrescue.twin.helper.agent import MAIN, search_path
from bmsrescue.twin.helper.block_device import (
    FLASH_BLOCK_BYTES,
    FLASH_BLOCKS,
    BlockPort,
    BoardFlash,
    CardFaults,
    CardSlot,
    PowerCut,
)
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.helper.panel import PanelLog, PanelPort, Press
from bmsrescue.twin.helper.process import HEAP_KIB, MicroPythonChild, find_interpreter
from bmsrescue.twin.helper.rpc import Handler, Reply, RpcServer, TimeExpired
from bmsrescue.twin.helper.unit_ports import (
    ClockPort,
    LinesPort,
    ObserverPort,
    RailsPort,
    WatchdogBite,
    missing_parts,
)
from bmsrescue.twin.helper.wire import WirePort
from bmsrescue.twin.helper.wired_unit import DebugWire, WiredUnit

_WALL_LIMIT_S = 240.0
_TWIN_ID = 0x7477_696E  # "twin"

# How a run ended: by itself, by an uncaught error, or because something ended it.
ENDED = "ended"
CRASHED = "crashed"
WATCHDOG = "watchdog"
POWER_CUT = "power cut"
TIME_EXPIRED = "time expired"


# Told of each call of the agent before it is done: (opcode, small, number, wide, payload) of `twin_opcodes`. Where the
# watchdog's feeding came along with another call, `wide` is RODE_ALONG, and nothing may be raised.
RODE_ALONG = 1
Tap = Callable[[int, int, int, int, bytes], None]


@dataclass
class RunResult:
    """What one run of the helper left behind. `left_powered`: the agent ended with the unit's supply still on."""

    how: str
    exit_status: int
    output: str
    events: list[tuple[int, str, object]]
    panel: PanelLog
    card: ImageBytes | None
    virtual_ms: int
    swclk_cycles: int
    power_ons: int
    left_powered: bool
    wall_s: float
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, object] | None:
        """The record of the run as the agent announced it, or None when it made none."""
        for _at_ms, name, data in reversed(self.events):
            if name == "record" and isinstance(data, dict):
                return data
        return None


@dataclass(frozen=True)
class End:
    """How a run ended (ENDED and its siblings), the interpreter's exit status, and all it printed."""

    how: str
    exit_status: int
    output: str


def serve_to_end(server: RpcServer, child: MicroPythonChild) -> End:
    """Answer the interpreter until it leaves by itself; one that must not go on is killed."""
    how = ENDED
    try:
        server.serve()
    except WatchdogBite:
        how = WATCHDOG
    except PowerCut:
        how = POWER_CUT
    except TimeExpired:
        how = TIME_EXPIRED
    status = child.end() if how == ENDED else child.kill()
    if how == ENDED and status != 0:
        how = CRASHED
    return End(how, status, child.output())


class VirtualHelper:
    """A helper board on the bench. `run` may be called again: that is the same board switched on once more.

    unit, wire: what its pins are wired to.
    card: the card's image, changed in place as the agent writes; None is an empty slot.
    presses: when the person presses the button.
    watch: told each event of the agent as it happens (virtual ms, name, data); `on_screen` each new picture.
    on_measured: told what each point of a capture of the rails was (virtual ms, mV by name).
    on_wait: told how long (ns) the agent is about to wait, for units that live on wall time.
    log_most: so many of the newest events, pictures and colours are kept; None: all of a run.
    helper_id: the unique number that a board's hardware has; None: one that `seed` makes.
    tap: asked before each call that the agent makes to its hardware; what it raises is what happens there.
    """

    def __init__(
        self,
        unit: WiredUnit,
        wire: DebugWire,
        card: ImageBytes | None,
        *,
        faults: CardFaults | None = None,
        seed: int = 0,
        presses: Sequence[Press] = (Press(),),
        watch: Callable[[int, str, object], None] | None = None,
        on_screen: Callable[[bytes], None] | None = None,
        on_measured: Callable[[int, dict[str, int]], None] | None = None,
        on_wait: Callable[[int], None] | None = None,
        wall_limit_s: float = _WALL_LIMIT_S,
        heap_kib: int = HEAP_KIB,
        log_most: int | None = None,
        helper_id: str | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._unit = unit
        self._wire = wire
        self._card = card
        self._faults = faults
        self._seed = seed
        self._presses = presses
        self._watch = watch
        self._on_screen = on_screen
        self._on_measured = on_measured
        self._on_wait = on_wait
        self._wall_limit_s = wall_limit_s
        self._heap_kib = heap_kib
        self._log_most = log_most
        self._tap = tap
        self.helper_id = helper_id or f"{_TWIN_ID:08x}{seed & 0xFFFF_FFFF:08x}"
        self.flash = bytearray(b"\xff" * (FLASH_BLOCK_BYTES * FLASH_BLOCKS))
        self.dap_fd: int | None = None
        """The agent's end of a debugger's packets (`DapPort`); None: the helper is no probe."""
        self.deployed: dict[str, str] = {}
        """Files in the helper's own flash, by name, as a deployment puts them there."""
        self._presses_to_come: list[tuple[int, int]] = []
        self._connection: socket.socket | None = None
        self._stopped = False
        self._slot: CardSlot | None = None

    def stop(self) -> None:
        """End the run, and any later one at once, as pulling the helper's plug does; from any thread or handler."""
        self._stopped = True
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                self._connection.shutdown(socket.SHUT_RDWR)

    def press(self, after_ms: int, duration_ms: int) -> None:
        """The person presses the button so long from now."""
        start_ns = self._unit.clock.now_ns + after_ms * 1_000_000
        self._presses_to_come.append((start_ns, start_ns + duration_ms * 1_000_000))

    def swap_card(self, image: ImageBytes | None) -> None:
        """The person puts another card in, or takes it out (None); also while the helper runs."""
        self._card = image
        if self._slot is not None:
            self._slot.put(image)

    def run(
        self, script: Path | None = None, settings: Mapping[str, object] | None = None, link_fd: int | None = None
    ) -> RunResult:
        """Switch the board on and let it run `script` (by default the agent's main.py) to its end.

        `settings` are added to the board.json that the agent is started with. `link_fd`: the stream to a
        host, non-blocking.
        """
        unit, clock = self._unit, self._unit.clock
        started_s, started_ns, cycles = monotonic(), clock.now_ns, self._wire.cycles
        time = ClockPort(clock, self._on_wait)
        lines = LinesPort(unit, self._wire)
        rails = RailsPort(unit, self._seed, self._on_wait, self._on_measured)
        panel = PanelPort(clock, self._presses, self._on_screen, self._log_most, self._presses_to_come)
        observer = ObserverPort(clock, self._watch, self._log_most)
        card = self._slot = CardSlot(clock, self._card, self._faults)
        store = BoardFlash(clock, self.flash)
        wire = WirePort(self._wire)
        handlers = _table(time, wire, lines, rails, BlockPort(card, store), panel, observer)
        if self._tap is not None:
            handlers = {opcode: _tapped(self._tap, opcode, handler) for opcode, handler in handlers.items()}
            time.on_fed = partial(self._tap, op.CLOCK_FEED, 0, 0, RODE_ALONG, b"")
        handlers[op.WIRE_POST] = handlers[op.WIRE_WRITE]
        search = search_path(find_interpreter())
        with (
            tempfile.TemporaryDirectory(prefix="bmsrescue-helper-") as folder,
            MicroPythonChild(script or MAIN, search, self._heap_kib, link_fd, self.dap_fd) as child,
        ):
            board = {
                "ports": "twin_ports",
                "once": True,
                "socket": child.socket_fd,
                "helper": "twin",
                "helper_id": self.helper_id,
                "posts": self._tap is None and link_fd is None,
                "missing": sorted(missing_parts(unit) - {"current"}),
                **({"deployed": self.deployed} if self.deployed else {}),
                **({} if link_fd is None else {"link": {"fd": link_fd}}),
                **({} if self.dap_fd is None else {"dap": "v1", "dap_fd": self.dap_fd}),
                **(settings or {}),
            }
            config = Path(folder) / "board.json"
            config.write_text(json.dumps(board))
            child.start(str(config))
            server = RpcServer(child.connection, handlers, self._wall_limit_s, time, wire.is_certain)
            self._connection = child.connection
            if self._stopped:
                self.stop()
            try:
                end = serve_to_end(server, child)
                if end.how == POWER_CUT:
                    card.lose_late()
            finally:
                self._connection = None
                left_powered = lines.powered
                time.stop()
                lines.make_safe()
        return RunResult(
            how=end.how,
            exit_status=end.exit_status,
            output=end.output,
            events=observer.events,
            panel=panel.log,
            card=self._card,
            virtual_ms=(clock.now_ns - started_ns) // 1_000_000,
            swclk_cycles=self._wire.cycles - cycles,
            power_ons=lines.power_ons,
            left_powered=left_powered,
            wall_s=monotonic() - started_s,
            counters={
                "calls": server.calls,
                "writes_posted": server.posted,
                "card_blocks_read": card.blocks_read,
                "card_blocks_written": card.blocks_written,
                "flash_blocks_written": store.blocks_written,
            },
        )


def _tapped(tap: Tap, opcode: int, handler: Handler) -> Handler:
    def call(small: int, number: int, wide: int, payload: bytes) -> Reply:
        tap(opcode, small, number, wide, payload)
        return handler(small, number, wide, payload)

    return call


def _table(
    time: ClockPort,
    wire: WirePort,
    lines: LinesPort,
    rails: RailsPort,
    blocks: BlockPort,
    panel: PanelPort,
    observer: ObserverPort,
) -> dict[int, Handler]:
    return {
        op.CLOCK_US: time.us,
        op.CLOCK_SLEEP_US: time.sleep_us,
        op.CLOCK_FEED: time.feed,
        op.WIRE_SET_FREQUENCY: wire.set_frequency,
        op.WIRE_ENGAGE: wire.engage,
        op.WIRE_RELEASE: wire.release,
        op.WIRE_LINE_RESET: wire.line_reset,
        op.WIRE_JTAG_TO_SWD: wire.jtag_to_swd,
        op.WIRE_DORMANT_TO_SWD: wire.dormant_to_swd,
        op.WIRE_READ: wire.read,
        op.WIRE_WRITE: wire.write,
        op.WIRE_READ_BLOCK: wire.read_block,
        op.WIRE_WRITE_BLOCK: wire.write_block,
        op.WIRE_IDLE: wire.idle,
        op.WIRE_BITS_OUT: wire.bits_out,
        op.WIRE_BITS_IN: wire.bits_in,
        op.WIRE_CYCLES: wire.cycles,
        op.WIRE_RESENDS: wire.resends,
        op.WIRE_PULLED: lines.pulled,
        op.LINE_POWER: lines.power,
        op.LINE_NRST: lines.nrst,
        op.LINE_NRST_LEVEL: lines.nrst_level,
        op.LINE_NRST_EDGES: lines.nrst_edges,
        op.LINE_BOOT0: lines.boot0,
        op.LINE_BUTTON: lines.button,
        op.LINE_RELEASE_ALL: lines.release_all,
        op.RAIL_NAMES: rails.names,
        op.RAIL_READ: rails.read,
        op.RAIL_CAPTURE: rails.capture,
        op.RAIL_CURRENT: rails.current,
        op.RAIL_SPAN: rails.span,
        op.RAIL_GROUNDED: rails.grounded,
        op.RAIL_RAW: rails.raw,
        op.RAIL_ZERO: rails.zero,
        op.BLOCK_READ: blocks.read,
        op.BLOCK_WRITE: blocks.write,
        op.BLOCK_ERASE: blocks.erase,
        op.BLOCK_SYNC: blocks.sync,
        op.BLOCK_IDENTITY: blocks.identity,
        op.BLOCK_INFO: blocks.info,
        op.PANEL_SHOW: panel.show,
        op.PANEL_LED: panel.led,
        op.PANEL_BEEP: panel.beep,
        op.PANEL_PRESSED: panel.pressed,
        op.EVENT: observer.event,
    }
