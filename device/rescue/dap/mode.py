# The helper is a probe: from a person's consent until they, the host or a limit end it. The unit is judged first, and
# looked at all the time, by the engine's own rules; a debugger never drives a line of a unit without a steady 3.3 V.

from micropython import const

from rescue.dap.commands import Probe
from rescue.engine.common import files
from rescuelink.dead_rails import LOGIC
from rescuelink.errors import PowerError, TargetError

_TRUST = "/trust.txt"  # as in engine/job/released.py
_WAIT_MS = const(5)
_LOOK_MS = const(50)
_SILENT_MS = const(300_000)
TITLE = "menu.probe"
ON = "page.probe-on"
_BLINK_MS = const(1000)


def begin(ports, power):
    """Switches the unit on, or looks at it where somebody else does. Raises PowerError, TargetError; then it is off."""
    if ports.packets is None:
        raise TargetError(
            "no_probe", "this helper is no debug probe", next_step='set "dap" in board.json, start it anew'
        )
    if not files.is_absent(ports.store.root + _TRUST):
        raise TargetError(
            "signed_only",
            "this helper runs signed jobs only, and a debugger would pass that by",
            next_step="use a helper for development",
        )
    if power.seen(LOGIC) is None:
        raise PowerError("no_vtref", "this helper has no wire to the unit's 3.3 V", next_step="wire it: docs/wiring.md")
    from rescue.engine.unit import power_cycle

    power_cycle.sense_off(power)
    if power.trip is None:
        power_cycle.energise(power)
    if power.trip is None and power.vtref_steady():
        return
    power.cut()
    if power.trip is not None:
        raise PowerError(power.trip["kind"], "power was cut: %s on %s" % (power.trip["kind"], power.trip["rail"]))
    raise PowerError("no_vtref", "the unit has no steady 3.3 V", next_step="look at the rails")


def serve(ports, power, turn):
    """Answers a debugger, on a unit that begin() has judged, until turn(connected) returns why it should end; it is
    called often. Returns that, or "host lost", "silent". Raises PowerError where a limit is broken. In the end the unit
    is off, and every line let go."""
    packets, clock = ports.packets, ports.clock
    probe = Probe(ports, ports.helper_id or "0")
    # Of a packet's time the interpreter has the largest part: what is looked up here is not looked up for each.
    wait, take, send, answer, since_ms = packets.wait, packets.take, packets.send, probe.answer, clock.since_ms
    resets, heard = packets.resets, False
    looked = last = clock.ms()
    why = None
    try:
        packets.open(True)
        while why is None:
            if wait(_WAIT_MS):
                heard = True
                length = answer(take(), packets.reply)
                if length:
                    send(length)
            if since_ms(looked) < _LOOK_MS:
                continue
            looked = clock.ms()
            if heard:
                last = looked
            if packets.resets != resets and probe.connected:
                why = "host lost"
            elif clock.since_ms(last) >= _SILENT_MS:
                why = "silent"
            else:
                heard, resets = False, packets.resets
                power.check()
                why = turn(probe.connected)
    except OSError:
        why = "host lost"  # nobody takes the answers
    finally:
        packets.open(False)
        probe.let_go()
        power.cut()
    return why


def glow(ports, connected):
    """The light of a probe: slow blue, and quick once a debugger has connected."""
    now = ports.clock.ms() // (_BLINK_MS // 4 if connected else _BLINK_MS)
    ports.panel.led(0, 0, 255 if now % 2 else 0)
