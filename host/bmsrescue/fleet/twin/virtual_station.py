"""One virtual station as a process of its own: a helper on a nest, and somebody who puts units in and takes them out.

`python -m bmsrescue.fleet.twin.virtual_station NAME SEED PAUSE_S [HELPER_ID]` prints lines of JSON: {"url"} first, then
what the person does (`people`). With the word "told" for PAUSE_S, lines on standard input say what is done. It ends
when that is closed.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from typing import Any

from bmsrescue.fleet.twin.displays import Displays
from bmsrescue.fleet.twin.mix import coming_units
from bmsrescue.fleet.twin.nest import Nest
from bmsrescue.fleet.twin.people import Person, PileWorker, ToldPerson
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import card_for
from bmsrescue.twin.scenarios import find

TOLD = "told"


def main(name: str, seed: int, pause: str, helper_id: str) -> None:
    """Until standard input ends."""
    told = ToldPerson(_say) if pause == TOLD else None
    person: Person = told or PileWorker(coming_units(seed), float(pause), _say)
    displays = None if told else Displays(_say)  # nobody follows them at a told station

    def look(nest: Nest) -> None:
        person.look(nest)
        if displays is not None:
            displays.look(nest)

    nest = Nest(VirtualClock(), look)
    helper = VirtualHelper(
        nest,
        wire_over(nest),
        card_for(find("half-on")),
        seed=seed,
        presses=(),
        watch=person.watch,
        on_screen=None if displays is None else displays.front,
        wall_limit_s=float("inf"),
        helper_id=helper_id,
    )
    stopping = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            if told is not None:
                told.tell(line)
        stopping.set()
        helper.stop()

    threading.Thread(target=listen, daemon=True).start()
    with PtyPort() as port:
        _say({"url": port.url})
        while not stopping.is_set():
            helper.run(settings={"once": False, "helper": name}, link_fd=port.fd)


def _say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    # Each start is another board, whose flash is empty, unless a test says which it is.
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else secrets.token_hex(8))
