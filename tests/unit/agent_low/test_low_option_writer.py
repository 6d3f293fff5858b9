"""Option bytes change only under consent, only where allowed, and only as asked."""

from dataclasses import replace

import pytest
from low_chip import Bench

from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from rescue.chips.stm32h7.option_writer import OptionWriter
from rescuelink.consent import OPTION_BYTES, RDP_REGRESSION, WRITE_PROTECTION, Consent
from rescuelink.errors import ConsentError, FlashError

RDP = 0xFF00
SECURITY = 1 << 21
IWDG1_SW = 1 << 4
ANYTHING = Consent((OPTION_BYTES, WRITE_PROTECTION, RDP_REGRESSION), "policy:test")


def writer_on(bench: Bench) -> OptionWriter:
    return OptionWriter(bench.h7())


def test_the_asked_bits_change_and_no_other() -> None:
    bench = Bench()
    writer_on(bench).change([("optsr", 0, IWDG1_SW), ("wpsn", 0, 0x3)], ANYTHING)
    factory = OptionValues()
    assert bench.chip.options.stored == replace(factory, optsr=factory.optsr & ~IWDG1_SW, wpsn=0xFC)


@pytest.mark.parametrize("mask", [RDP, SECURITY, 0x0100, 0xFFFFFFFF])
def test_protection_and_security_are_never_written(mask: int) -> None:
    bench = Bench()
    with pytest.raises(ConsentError, match="never written"):
        writer_on(bench).change([("optsr", 0xCC00 | SECURITY, mask)], ANYTHING)
    assert bench.chip.options.stored == OptionValues()


@pytest.mark.parametrize(("name", "scope"), [("wpsn", OPTION_BYTES), ("optsr", WRITE_PROTECTION), ("boot", ())])
def test_each_kind_needs_its_own_consent(name: str, scope: str) -> None:
    bench = Bench()
    consent = Consent((scope,) if scope else (), "policy:test")
    with pytest.raises(ConsentError):
        writer_on(bench).change([(name, 0, 0x10)], consent)
    assert bench.chip.options.stored == OptionValues()


def test_what_another_tool_has_staged_is_not_started_by_us() -> None:
    bench = Bench()
    writer = writer_on(bench)
    bench.chip.options.staged = OptionValues().with_rdp(0xCC)
    with pytest.raises(FlashError, match="nothing was changed"):
        writer.change([("wpsn", 0, 0x1)], ANYTHING)
    assert bench.chip.options.stored == OptionValues()


def test_an_unprotected_chip_is_not_regressed() -> None:
    with pytest.raises(FlashError, match="level 1"):
        writer_on(Bench()).regress(ANYTHING)
