# A person in place of a part that the helper does without: the switch of the unit's supply, the BOOT0 line. They are
# asked, waited for within a limit, and believed no further than the helper sees: a rail that falls, or a debug port
# that goes silent, shows that the supply has really gone.
#
# Who asks is the `Person` of the ports (hal/ports.py): the dongle's screen and button, a host, a terminal.

from micropython import const

from rescue.hal.ports import Ports
from rescuelink.errors import PowerError, RescueError

PARTS = ("power", "boot0")
NO_SWITCH = "no_switch"  # the kind of the error where nobody switches
SEEN, DONE, CANNOT = "seen", "done", "cannot"  # answers; None: nobody has answered in time

_TRIES = const(3)  # of a switch after which nothing has moved
_BLEED_MS = const(10_000)  # after the switch, until it shows
_RISE_MS = const(2000)
_LOOK_MS = const(50)
_UP_MV = const(900)  # more than an ADC reads at 0 V, less than any rail that is up
_SILENT_LOOKS = const(3)
_NEXT = "switch it off and on by hand, or wire a switch to the helper; then start again"


def with_person(ports, person):
    """The ports with the person as the parts that are missing and that a person can be."""
    parts = [name for name in PARTS if name in ports.missing]
    if person is None or not parts:
        return ports
    with_them = Ports(
        clock=ports.clock,
        wire=ports.wire,
        lines=None,
        rails=ports.rails,
        card=ports.card,
        store=ports.store,
        panel=ports.panel,
        observer=ports.observer,
        stream=ports.stream,
        helper_id=ports.helper_id,
    )
    with_them.missing = tuple([name for name in ports.missing if name not in parts])
    with_them.lines = with_them.hands = HandLines(ports.lines, with_them, person, parts)
    return with_them


class HandLines:
    """The `Lines` port. `switches`: the supply is the person's; `silent`: the debug port answered before the supply was
    switched off, and not after."""

    def __init__(self, lines, ports, person, parts):
        self._lines = lines
        self._ports = ports
        self._person = person
        self._boot0_by_hand = "boot0" in parts
        self._boot0_held = False
        self.switches = "power" in parts
        self.silent = False
        self.nrst = lines.nrst
        self.nrst_level = lines.nrst_level
        self.nrst_edges = lines.nrst_edges
        self.unit_button = lines.unit_button

    def release_all(self):
        """What the helper itself holds; nobody can be asked at such a moment."""
        self._lines.release_all()

    def power(self, on):
        """Asks for it, unless it is on already. Raises PowerError("no_switch") where nobody does it."""
        if not self.switches:
            self._lines.power(on)
        elif on:
            if not self._is_up():
                self._ask_for("on", self._is_up, _RISE_MS)
        else:
            self._switch_off()

    def boot0(self, level):
        """Asks for BOOT0 to be held to 3.3 V, and later to be let go."""
        if not self._boot0_by_hand:
            self._lines.boot0(level)
        elif level:
            if self._person.ask("boot0", "hold BOOT0 to 3.3 V and keep it there", None) != DONE:
                self._ports.missing += ("boot0",)
                raise PowerError("no_boot0", "nobody holds BOOT0", next_step="wire BOOT0 to the helper")
            self._boot0_held = True
        elif self._boot0_held:
            self._boot0_held = False
            self._person.ask("boot0", "let go of BOOT0", None)

    def _switch_off(self):
        rails = self._ports.rails
        up = [name for name in rails.names if rails.read_mv(name) >= _UP_MV]
        answered = not up and self._answers()

        def is_down():
            if up:
                return not [name for name in up if rails.read_mv(name) >= _UP_MV]
            if not answered:
                return False  # nothing here would show it
            return all(not self._answers() for _ in range(_SILENT_LOOKS))

        self.silent = False
        self._ask_for("off", is_down if up or answered else None, _BLEED_MS)
        self.silent = answered and is_down()

    def _ask_for(self, state, is_so, limit_ms):
        text = "switch the unit's supply %s now" % state
        answer = None
        for turn in range(_TRIES):
            answer = self._person.ask("power", text, is_so)
            if answer == SEEN:
                return
            if answer != DONE:
                break
            if is_so is None or self._comes(is_so, limit_ms):
                return
            if state == "on" and turn:
                return  # a unit that its latch keeps dark shows nothing: the rails will tell
            text = "nothing has moved: look again, and switch the unit's own supply %s" % state
        self.switches = False
        self._ports.missing += ("power",)
        why = "nobody has switched it in time" if answer is None else "the person cannot"
        if answer == DONE:
            why = "nothing that is seen has moved"
        raise PowerError(NO_SWITCH, "the unit's supply was to be switched %s: %s" % (state, why), next_step=_NEXT)

    def _comes(self, is_so, limit_ms):
        clock = self._ports.clock
        start = clock.ms()
        while not is_so():
            if clock.since_ms(start) >= limit_ms:
                return False
            clock.feed()
            clock.sleep_ms(_LOOK_MS)
        return True

    def _is_up(self):
        rails = self._ports.rails
        if rails.names:
            return bool([name for name in rails.names if rails.read_mv(name) >= _UP_MV])
        return self._answers()

    def _answers(self):
        # Does the debug port? A chip without supply is not driven for longer than these few transfers.
        from rescue.debug.dp import DebugPort

        wire = self._ports.wire
        try:
            wire.engage()
            DebugPort(wire, self._ports.clock).connect()
        except RescueError:
            return False
        finally:
            wire.release()
        return True
