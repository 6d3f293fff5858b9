# What engine and link ask of an STM32H7 (../interface.py). Each part is loaded when it is asked for.
#
# docs/reference/chip.md#ap-list.

from rescue.debug import adi_registers as adi
from rescuelink.errors import TargetError


def prepare(target):
    is_ahb = target.aps["0"] & adi.IDR_MASK == adi.IDR_AHB
    is_apb = target.aps["2"] & adi.IDR_MASK == adi.IDR_APB
    if not is_ahb or not is_apb:
        from rescue.chips.stm32h7 import other_family  # seldom needed

        other_family.check(target)
    if not is_ahb:
        raise TargetError("wrong_ap", "access port 0 is not that of a Cortex-M core")
    if is_apb:
        from rescue.chips.stm32h7.table import H72x

        for address, value in H72x.debug_setup:
            target.ap2.write32(address, value, again=True)


def open_chip(target, clock):
    from rescue.chips.stm32h7.chip import Stm32H7

    return Stm32H7(target, clock)


def device_id(target):
    from rescue.chips.stm32h7.registers import DBGMCU_IDC

    return target.ap2.read32(DBGMCU_IDC) & 0xFFF


def reset_cause(ap):
    from rescue.chips.stm32h7 import identity

    return identity.reset_cause(ap)


def clocks(ap):
    from rescue.chips.stm32h7 import clocks as oscillators

    return oscillators.clocks(ap)


def watchdog(ap):
    from rescue.chips.stm32h7 import clocks as oscillators

    return oscillators.watchdog(ap)


def pin_level(ap, name):
    from rescue.chips.stm32h7 import pins

    return pins.level(ap, name)


def drive_pin(ap, name, high):
    from rescue.chips.stm32h7 import pins

    pins.drive(ap, name, high)


def option_writer(chip):
    from rescue.chips.stm32h7.option_writer import OptionWriter

    return OptionWriter(chip)
