"""The broken units of the twin, one small file each.

Each module holds one `SCENARIO`; the registry below is in the order in which they are shown.
"""

from difflib import get_close_matches
from importlib import import_module

from .scenario import Scenario

_ORDER = (
    "healthy",
    "blank",
    "half_on",
    "interrupted_program",
    "interrupted_erase",
    "bad_vectors",
    "bootloader_waiting",
    "bootloader_waiting_consent",
    "app_behind_bootloader",
    "app_behind_bootloader_cut",
    "torn_calibration",
    "torn_calibration_consent",
    "lockup",
    "fault_loop",
    "swd_reused",
    "low_power",
    "wrong_supply",
    "wrong_supply_boot0",
    "watchdog_loop",
    "worn_sector",
    "newer_firmware",
    "older_firmware",
    "older_build",
    "sealed_sibling",
    "unknown_application",
    "unknown_application_consent",
    "sister_product",
    "wrong_target",
    "other_h7",
    "wrp",
    "wrp_consent",
    "wrong_boot_address",
    "wrong_boot_address_consent",
    "wrong_boot_address_other",
    "option_corruption",
    "factory_options",
    "pcrop",
    "pcrop_elsewhere",
    "secure_area",
    "rdp1",
    "rdp1_running",
    "rdp1_consent",
    "rdp2",
    "secure",
    "no_supply",
    "short_3v3",
    "short_12v",
    "low_3v3",
    "no_vcap",
    "over_vcap",
    "reverse",
    "backfeed",
    "slow_ramp",
    "held_in_reset",
    "display_only",
    "already_done",
    "swapped_lines",
    "open_swdio",
    "stuck_nrst",
    "no_vtref",
    "noisy_swd",
    "reset_loop",
    "latch_shorted",
    "brownout_during_flash",
    "dead_crystal",
    "dead_crystal_half_on",
    "fault_image",
    "fault_image_put_back",
    "boot0_strap",
    "watchdog_unfed",
    "vcap_sense",
    "v12_sense",
    "other_supply_image",
    "supervisor_500ms",
    "slow_nrst",
    "latch_by_button",
    "adc_zero",
    "adc_zero_backfeed",
    "swd_pulled",
    "swd_translator",
    "other_family_h5",
    "cortex_m4_clone",
    "ringing_swclk",
    "contact_lost_in_backup",
    "erase_command_flipped",
    "start_ignored",
    "keys_flipped",
)


class UnknownScenarioError(LookupError):
    """No scenario of that name; the message lists the nearest ones."""


def all_scenarios() -> list[Scenario]:
    """Every broken unit that the agent ends as its scenario says."""
    return [_load(module) for module in _ORDER]


def find(name: str) -> Scenario:
    """The scenario `name`.

    Raises:
        UnknownScenarioError: there is none; says which names are near.
    """
    known = {scenario.name: scenario for scenario in map(_load, _ORDER)}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
    raise UnknownScenarioError(f"no scenario is called {name!r}; did you mean {', '.join(near)}?")


def _load(module: str) -> Scenario:
    scenario: Scenario = import_module(f".{module}", __name__).SCENARIO
    return scenario
