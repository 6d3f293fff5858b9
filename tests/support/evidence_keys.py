"""Every key of the evidence, and what makes use of it: a rule of the diagnosis, or a file that shows or acts on it.

A key that nobody uses is a fact that was read, paid for in time and memory, and kept from the person who needs it.
Whoever adds a key to the evidence adds a rule, a remark (`rules_remarks.py`) or a line of a report, and then its row.
`[]` stands for each entry of a list, `*` for each name of a rail, an access port or a group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

RULE: Final = "rule"
"""Read by a rule or a remark: the test runs them all and looks."""

ENGINE: Final = "device/rescue/engine/"
KEYS: Final[dict[str, str]] = {
    "expected.chip": RULE,
    "expected.dev_id": RULE,
    "expected.flash_kib": RULE,
    "expected.boot_address": RULE,
    "expected.start": RULE,
    "expected.flash": RULE,
    "expected.options": RULE,
    "expected.min_clock_hz": RULE,
    "expected.rails.*": RULE,
    "expected.uid": RULE,
    "expected.open": RULE,
    "by_meter": RULE,
    "firmware.starts[].address": RULE,
    "firmware.starts[].sp": RULE,
    "firmware.starts[].pc": RULE,
    "firmware.texts": RULE,
    "expected.roles.*": RULE,
    "unseen": RULE,
    "rails.off.*.mv": "host/bmsrescue/fleet/records/reading.py",
    "rails.off.*.min_mv": "host/bmsrescue/fleet/records/reading.py",
    "rails.off.*.max_mv": "host/bmsrescue/fleet/records/reading.py",
    "rails.on.*.mv": RULE,
    "rails.on.*.min_mv": RULE,
    "rails.on.*.max_mv": RULE,
    "rails.trip.kind": RULE,
    "rails.trip.rail": RULE,
    "rails.trip.mv": RULE,
    "rails.trip.ma": RULE,
    "rails.trip.ms": RULE,
    "rails.trip.limit": "shared/rescuelink/causes_supply.py",
    "rails.curve.ms": "host/bmsrescue/fleet/power_up.py",
    "rails.curve.rails.*": "host/bmsrescue/fleet/power_up.py",
    "rails.ma": RULE,
    "rails.reset_ma": RULE,
    "rails.reset_vcap_mv": RULE,
    "nrst.level": RULE,
    "nrst.edges": RULE,
    "nrst.window_ms": RULE,
    "nrst.low_ms": RULE,
    "nrst.later.edges": RULE,
    "nrst.later.period_ms": RULE,
    "rails.zero.raw": RULE,
    "rails.zero.by": RULE,
    "rails.button.by": RULE,
    "rails.button.rail": RULE,
    "rails.button.before_mv": RULE,
    "rails.button.mv": RULE,
    "rails.button.ma": RULE,
    "silent.rail": ENGINE + "record/report.py",
    "silent.ms": ENGINE + "record/report.py",
    "watch.s": RULE,
    "watch.edges": RULE,
    "watch.rails.*": RULE,
    "watch.dropped.rail": RULE,
    "watch.dropped.s": RULE,
    "wiring.swdio": RULE,
    "wiring.swclk": RULE,
    "wiring.nrst": RULE,
    "wiring.latches": RULE,
    "swd.how": RULE,
    "swd.hz": RULE,
    "swd.tries[].how": RULE,
    "swd.tries[].hz": RULE,
    "swd.tries[].result": RULE,
    "swd.dpidr": RULE,
    "swd.family.dpidr": RULE,
    "swd.family.core": RULE,
    "swd.family.aps.*": RULE,
    "swd.aps.*": RULE,
    "swd.error": RULE,
    "swd.left_halted": RULE,
    "swd.disturbed": ENGINE + "record/report.py",
    "chip.dev_id": RULE,
    "chip.flash_kib": RULE,
    "chip.rev_id": RULE,
    "chip.revision": RULE,
    "chip.name": RULE,
    "chip.uid": ENGINE + "backup/step.py",
    "core.state": RULE,
    "core.activity.ms": RULE,
    "core.activity.samples": RULE,
    "core.activity.asleep": RULE,
    "core.activity.low": RULE,
    "core.activity.high": RULE,
    "core.activity.places": RULE,
    "core.activity.resets": RULE,
    "core.activity.exceptions": RULE,
    "core.activity.entries": RULE,
    "core.activity.armed": RULE,
    "clocks.cr": RULE,
    "clocks.cfgr": RULE,
    "clocks.missing": RULE,
    "clocks.bypass": RULE,
    "clocks.source": RULE,
    "clocks.pllckselr": RULE,
    "clocks.pllcfgr": RULE,
    "watchdog.period_ms": RULE,
    "watchdog.set": ENGINE + "unit/running_look.py",
    "core.pc_samples": RULE,
    "core.clock_hz": RULE,
    "core.cfsr": RULE,
    "core.hfsr": RULE,
    "core.bfar": RULE,
    "core.mmfar": RULE,
    "core.flags": RULE,
    "core.exception": RULE,
    "reset_cause.raw": RULE,
    "reset_cause.flags": RULE,
    "options.optsr": RULE,
    "options.optsr2": ENGINE + "common/option_values.py",
    "options.wpsn": ENGINE + "plan/step.py",
    "options.boot": RULE,
    "options.rdp": RULE,
    "options.bor_level": RULE,
    "options.bor_mv": RULE,
    "options.iwdg_hardware": RULE,
    "options.reset_on_stop": RULE,
    "options.reset_on_standby": RULE,
    "options.security": ENGINE + "examine/gather.py",
    "options.io_high_speed": RULE,
    "options.change_error": RULE,
    "options.boot_add0": RULE,
    "options.boot_add1": RULE,
    "options.wrp_sectors": RULE,
    "options.wrp_group": ENGINE + "plan/step.py",
    "options.pcrop": RULE,
    "options.dmep": RULE,
    "options.secure_area": RULE,
    "options.swap_bank": RULE,
    "options.itcm_kib": RULE,
    "options_cut": RULE,
    "supply.cr3": RULE,
    "supply.csr1": RULE,
    "supply.d3cr": RULE,
    "vectors.sp": RULE,
    "vectors.pc": RULE,
    "vectors.valid": RULE,
    "unreadable.*": RULE,
    "sectors[].index": RULE,
    "sectors[].address": RULE,
    "sectors[].size": RULE,
    "sectors[].count": RULE,
    "sectors[].state": RULE,
    "sectors[].owned": RULE,
    "sectors[].torn": RULE,
    "sectors[].torn_count": RULE,
    "sectors[].torn_ours": RULE,
    "sectors[].rest": RULE,
    "sectors[].prefix": RULE,
    "sectors[].rest_blank": RULE,
    "sectors[].other_parts": RULE,
    "sectors[].sha256": ENGINE + "backup/step.py",
    "version.address": RULE,
    "version.found": RULE,
    "version.wanted": RULE,
    "marker.found": RULE,
    "marker.address": RULE,
    "marker.text": RULE,
    "marker.wanted": RULE,
    "bootloader.address": RULE,
    "bootloader.end": RULE,
    "bootloader.valid": RULE,
    "bootloader.flag_address": RULE,
    "bootloader.flag": RULE,
    "bootloader.set": RULE,
    "latch.pin": RULE,
    "latch.mv": RULE,
    "latch.fell": RULE,
    "latch.ms": RULE,
    "regressed": RULE,
    "unfinished": RULE,
}
_NAMED: Final = (
    "expected.rails",
    "expected.roles",
    "rails.off",
    "rails.on",
    "rails.curve.rails",
    "watch.rails",
    "swd.aps",
    "swd.family.aps",
    "unreadable",
)
"""Objects whose keys are names."""


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Every key of an evidence, as in KEYS. Lists of plain values, and nothing at all, are leaves."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from paths(inner, f"{path}.*" if path in _NAMED else f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from paths(inner, path + "[]")
    else:
        yield path


def unknown(evidence: dict[str, Any]) -> set[str]:
    """What of an evidence has no row: a leaf without one that is no stem of a row either (an object may be None)."""
    return {path for path in paths(evidence) if path not in KEYS and not any(row.startswith(path) for row in KEYS)}


WHAT_TO_DO: Final = (
    "is in the evidence and nobody is known to use it: let a rule judge it (rules_*.py), or tell it (rules_remarks.py "
    "or a report), and add its row to tests/support/evidence_keys.py; or do not read it"
)
