"""`bmsrescue dap`: the helper as a CMSIS-DAP probe for somebody's own debugger."""

from __future__ import annotations

from bmsrescue.cli.common import JsonOption, print_json
from bmsrescue.cli.helper.common import HelperOption, YesOption, opened, require_consent
from bmsrescue.cli.helper.job import stoppable
from bmsrescue.cli.output import console

SCOPE = "let a debugger do anything to the unit"


def dap(wanted: HelperOption = None, yes: YesOption = None, as_json: JsonOption = False) -> None:
    """Be a CMSIS-DAP probe for a debugger on USB until Ctrl-C; the unit is on meanwhile. Needs "dap" in board.json."""
    with opened(wanted, as_json) as helper:
        require_consent(SCOPE, yes, as_json)
        if not as_json:
            console().print("Once the unit's 3.3 V is good, the helper is a CMSIS-DAP probe. Ctrl-C ends it.")
        ended = stoppable(helper, "probe.run", ())
    if as_json:
        print_json(ended)
    else:
        console().print(f"Ended ({ended['why']}): the unit is off.")
