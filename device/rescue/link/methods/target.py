# target.*: the chip on SWD: connect by a rung or by the whole ladder, and raw DP/AP transfers in batches.

from rescue.link.unit import power
from rescuelink import rpc
from rescuelink.errors import LinkError, PowerError, RescueError, WireError

_MAX_HZ = 50_000_000
# An answer as MessagePack: a word with its type byte, a block's head, and what stands around them.
_WORD_BYTES = 5
_BLOCK_BYTES = 3
_AROUND_BYTES = 16


def connect(work, how=None, hz=1_000_000):
    """Connect by one rung ("attach", "under-reset", "power-cycle-under-reset", "boot0"), or by the ladder (nil).

    {"how", "hz", "dpidr", "aps": {"0": IDR, ...}, "tries"}. Raises PowerError without a steady 3.3 V, WireError.
    """
    disconnect(work)
    _require_vtref(work)
    if how is not None:
        _check_hz(hz)
    from rescue.chips.families import prepare
    from rescue.debug import connect as rungs
    from rescue.engine.unit import ladder

    if how is None:
        work.target, found = ladder.connect(work.ports, power(work), power(work).limits, prepare)
        if work.target is None:
            raise WireError("no_ack", "the chip answers by no way tried", next_step="check the SWD wires and GND")
        return found
    target = work.target = rungs.connect(work.ports, how, hz, prepare, power(work).cycle)
    return {"how": how, "hz": work.ports.wire.frequency_hz, "dpidr": target.dpidr, "aps": target.aps, "tries": []}


def disconnect(work):
    """Let the core run as if no debugger had been there, and let go of the wire."""
    if work.target is not None:
        try:
            work.target.core.release("power" in work.ports.missing)
        except RescueError:
            pass  # it no longer answers, so nothing of ours is in force that a reset would not clear
    work.target = None
    work.chip = None
    work.ports.wire.release()


def raw(work):
    """Drive the wire without a line reset or any register access: what a foreign debugger wants to begin with."""
    _require_vtref(work)
    disconnect(work)
    work.ports.wire.engage()


def clock(work, hz):
    """Set SWCLK; returns the Hz it has become."""
    _check_hz(hz)
    work.ports.wire.set_frequency(hz)
    return work.ports.wire.frequency_hz


def sequence(work, name):
    """Send "line-reset", "jtag-to-swd" or "dormant-to-swd"."""
    wire = work.ports.wire
    sequences = {
        "line-reset": wire.line_reset,
        "jtag-to-swd": wire.jtag_to_swd,
        "dormant-to-swd": wire.dormant_to_swd,
    }
    if name not in sequences:
        raise LinkError("bad_params", "there is no sequence " + name)
    sequences[name]()


def bits(work, sequence):
    """Raw bits, LSB first: each entry [count, value] drives them, [count] samples them. Returns the samples, in order.

    At most 256 bits are driven and 24 sampled by one entry.
    """
    wire = work.ports.wire
    samples = []
    for entry in sequence:
        try:
            count = entry[0]
            if not 0 < count <= (24 if len(entry) == 1 else 256):
                raise ValueError
            value = entry[-1]
            if isinstance(value, (bytes, bytearray, memoryview)):
                value = int.from_bytes(value, "little")
            elif value >> 32:
                raise ValueError
        except (TypeError, ValueError, IndexError):
            raise LinkError("bad_params", "1 to 24 bits are sampled, 1 to 256 driven by one entry") from None
        if len(entry) == 1:
            samples.append(wire.bits_in(count))
        else:
            wire.bits_out(value, count)
    return samples


def transfer(work, transfers):
    """A batch. Each entry: [ap, a32] reads, [ap, a32, value] writes, [ap, a32, nil, words] reads a block, [ap, a32,
    binary] writes one. Returns what was read, in order: integers, and binary for blocks, which share 2048 bytes.

    ap is 0 for the DP, 1 for the selected AP. Stops at the first that fails: WireError with `done` entries carried out.
    The last write is complete in the DP when the batch ends.
    """
    wire = work.ports.wire
    data = _room_for_blocks(work, transfers)
    values = []
    for index, entry in enumerate(transfers):
        ap, a32 = entry[0], entry[1]
        try:
            if len(entry) == 2:
                values.append(wire.read(ap, a32))
            elif len(entry) == 4:
                block, data = data[: 4 * entry[3]], data[4 * entry[3] :]
                wire.read_block(ap, a32, block)
                values.append(block)
            elif isinstance(entry[2], int):
                wire.write(ap, a32, entry[2])
            else:
                wire.write_block(ap, a32, entry[2])
        except WireError as error:
            error.done = index
            raise
    return values


def _room_for_blocks(work, transfers):
    # A view for all of them, after a look whether what is asked makes sense and its answer fits into a frame.
    packed = total = 0
    for entry in transfers:
        if not isinstance(entry, list) or not 2 <= len(entry) <= 4:
            raise LinkError("bad_params", "a transfer is an array of 2 to 4")
        _register(entry[0], entry[1])
        if len(entry) == 2:
            packed += _WORD_BYTES
        elif len(entry) == 3:
            if not isinstance(entry[2], int):
                _words(entry[2])
            elif entry[2] >> 32:
                raise LinkError("bad_params", "a word has 32 bits")
        elif isinstance(entry[3], int) and entry[3] > 0:
            packed += _BLOCK_BYTES
            total += 4 * entry[3]
        else:
            raise LinkError("bad_params", "a block has at least one word")
    if total > rpc.WINDOW_BYTES or packed + total > rpc.MAX_BODY_BYTES - _AROUND_BYTES:
        raise LinkError("bad_params", "the answer to a batch has at most %d bytes" % rpc.WINDOW_BYTES)
    return work.window(total)


def readblock(work, ap, a32, words):
    """`words` reads of one register, posted and pipelined, as binary (at most 1024 words)."""
    ap, a32 = _register(ap, a32)
    if not 0 < words <= rpc.WINDOW_BYTES // 4:
        raise LinkError("bad_params", "1 to %d words" % (rpc.WINDOW_BYTES // 4))
    data = work.window(words * 4)
    work.ports.wire.read_block(ap, a32, data)
    return data


def writeblock(work, ap, a32, data):
    """The words of `data`, little-endian, to one register."""
    ap, a32 = _register(ap, a32)
    work.ports.wire.write_block(ap, a32, _words(data))


def cycles(work):
    """SWCLK cycles since start."""
    return work.ports.wire.cycles


def _words(data):
    if not isinstance(data, (bytes, bytearray, memoryview)) or len(data) % 4:
        raise LinkError("bad_params", "binary of whole words only")
    return data


def _register(ap, a32):
    if ap not in (0, 1) or a32 not in (0, 4, 8, 12) or type(ap) is not int or type(a32) is not int:
        raise LinkError("bad_params", "a register is [0 or 1, 0, 4, 8 or 12]")
    return ap, a32


def _check_hz(hz):
    if not 1_000 <= hz <= _MAX_HZ:
        raise LinkError("bad_params", "SWCLK from 1 kHz to 50 MHz")


def _require_vtref(work):
    if not power(work).vtref_steady():
        raise PowerError("no_vtref", "the unit has no steady 3.3 V", next_step="call power.on, and look at the rails")


CALLS = {
    "connect": (connect, "?si"),
    "disconnect": (disconnect, ""),
    "raw": (raw, ""),
    "clock": (clock, "i"),
    "sequence": (sequence, "s"),
    "bits": (bits, "a"),
    "transfer": (transfer, "a"),
    "readblock": (readblock, "iii"),
    "writeblock": (writeblock, "iiB"),
    "cycles": (cycles, ""),
}
