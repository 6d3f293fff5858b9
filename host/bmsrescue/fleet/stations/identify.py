"""Which chip is on a station, found out over the link without changing anything of the unit."""

from __future__ import annotations

from dataclasses import dataclass

from bmsrescue.client.session import SLOW_S
from bmsrescue.fleet.stations.helper_card import StationPort, ask
from rescuelink.errors import LinkError, RescueError


@dataclass(frozen=True)
class ChipThere:
    """The die's own name, such as "STM32H725", and its unique identity as 24 hex digits."""

    name: str
    uid: str


async def chip_on(port: StationPort) -> ChipThere | None:
    """None when the chip does not answer. The unit is off afterwards.

    Powered within the helper's default limits, connected by the whole ladder, read, and switched off: what the job does
    first as well. What stands in the way of it (a short, an open wire) is for the job to find out and put on record.

    Raises:
        LinkError: the helper is lost or busy, or the work was cancelled.
    """
    try:
        return await _ask_chip(port)
    except LinkError:
        raise
    except RescueError:
        return None
    finally:
        await _switch_off(port)


async def _ask_chip(port: StationPort) -> ChipThere | None:
    for step in ("power.sense", "power.on"):
        if (await ask(port, step, timeout_s=SLOW_S))["trip"] is not None:
            return None
    await ask(port, "target.connect", timeout_s=SLOW_S)
    chip = (await ask(port, "flash.info", timeout_s=SLOW_S))["chip"]
    return ChipThere(str(chip["name"]), str(chip["uid"]))


async def _switch_off(port: StationPort) -> None:
    try:
        await ask(port, "power.off", timeout_s=SLOW_S)
    except RescueError:
        return  # rails that stay up are the job's finding; a helper that is lost switches off by itself
