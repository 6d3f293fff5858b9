"""`bmsrescue flash`, `verify`, `backup`: the unit's flash, step by step, for an engineer who knows what he wants."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.common import JsonOption, address_of, print_json, telling_errors
from bmsrescue.cli.exit_status import NOT_WELL
from bmsrescue.cli.helper.common import (
    HelperOption,
    YesOption,
    opened,
    progress_bar,
    require_consent,
)
from bmsrescue.cli.helper.probes import PowerOption, ProbeOption, hands
from bmsrescue.cli.new_file import OverwriteOption, check_new
from bmsrescue.cli.output import console, show_note
from bmsrescue.client.flash_image import (
    FlashPlan,
    SectorContents,
    plan_flash,
    read_sectors,
    verify_flash,
    write_flash,
)
from bmsrescue.client.helper import Helper, consent_words
from bmsrescue.config import data_dir
from bmsrescue.errors import UsageError
from bmsrescue.image.contents import Segment
from bmsrescue.image.flash_words import load_image

ImageArgument = Annotated[Path, typer.Argument(metavar="IMAGE", help="Firmware of any format.")]
_HOW = {"sha256": "SHA-256", "reading": "reading it back"}

BaseOption = Annotated[str | None, typer.Option("--base", help="Address of a BIN's first byte (0x08000000).")]
OnlyFlashOption = Annotated[bool, typer.Option("--only-flash", help="Leave out what is not for flash.")]


def flash(
    image: ImageArgument,
    base: BaseOption = None,
    only_flash: OnlyFlashOption = False,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    yes: YesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an image: only the sectors that differ, what was in them saved on this host before, then verify."""
    with telling_errors(as_json):
        segments = _segments(image, base, only_flash)
    with opened(wanted, as_json, hands(probe, power)) as helper, helper.chip(), progress_bar(as_json) as tell:
        plan = plan_flash(helper, segments, tell)
        if not as_json:
            for line in plan.lines():
                console().print(f"- {line}")
        saved = None
        if plan.wanted:
            require_consent(_scope(plan), yes, as_json)
            saved = _save_before(helper, plan)
            write_flash(helper, plan, tell)
        how, differing = verify_flash(helper, segments, tell)
        helper.session.call("target.disconnect")
    if as_json:
        written = [sector.index for sector in plan.wanted]
        print_json(
            {"written": written, "erased": plan.erase, "saved": saved, "verified_by": how, "differing": differing}
        )
    elif not differing:
        console().print(f"The flash holds {image.name} (verified by {_HOW[how]}).", soft_wrap=True)
        if saved:
            console().print(f"What was there before: {saved}", soft_wrap=True)
    _leave(differing, as_json)


def verify(
    image: ImageArgument,
    base: BaseOption = None,
    only_flash: OnlyFlashOption = False,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the flash with an image, by SHA-256 on the target's own core where it can."""
    with telling_errors(as_json):
        segments = _segments(image, base, only_flash)
    with opened(wanted, as_json, hands(probe, power)) as helper, helper.chip(), progress_bar(as_json) as tell:
        how, differing = verify_flash(helper, segments, tell)
        helper.session.call("target.disconnect")
    if as_json:
        print_json({"verified_by": how, "differing": differing})
    elif not differing:
        console().print(f"The flash holds {image.name} (verified by {_HOW[how]}).", soft_wrap=True)
    _leave(differing, as_json)


def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file of the bytes; OUT.json says what they are.")],
    overwrite: OverwriteOption = False,
    wanted: HelperOption = None,
    probe: ProbeOption = None,
    power: PowerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole flash into a file. Flash words that cannot be read are 0xFF, and listed."""
    with telling_errors(as_json):
        check_new(out, overwrite)
        check_new(_facts_beside(out), overwrite)
    with opened(wanted, as_json, hands(probe, power)) as helper, helper.chip(), progress_bar(as_json) as tell:
        info = helper.flash_info()
        sectors = read_sectors(helper, info["sectors"], tell, "read")
        helper.session.call("target.disconnect")
        facts = _save(out, info["chip"], sectors)
    if as_json:
        print_json({"file": str(out), **facts})
        return
    console().print(
        f"{out}: {facts['bytes']:,} bytes from 0x{facts['address']:08x}, SHA-256 {facts['sha256']}", soft_wrap=True
    )
    if facts["torn"]:
        console().print(f"{len(facts['torn'])} flash words are torn and could not be read.")


def _segments(image: Path, base: str | None, only_flash: bool) -> list[Segment]:
    """What the file wants where. Bytes that say nothing of their place are not written to a guessed one."""
    firmware = load_image(image, None if base is None else address_of(base), only_flash)
    if firmware.boot_address is None and base is None and firmware.format.startswith("raw"):
        raise UsageError(
            f"{image.name} is raw bytes without a vector table: nothing in it says where they belong",
            "Give their address with --base.",
        )
    for note in firmware.notes:
        show_note(note)
    return firmware.segments


def _scope(plan: FlashPlan) -> str:
    if plan.erase:
        return consent_words(plan.erase)
    return f"write sectors {','.join(str(sector.index) for sector in plan.wanted)}"


def _save_before(helper: Helper, plan: FlashPlan) -> str | None:
    """What will be erased, in the data folder; None when all of it is blank."""
    lost = [sector for sector in plan.before if not sector.blank]
    if not lost:
        return None
    chip = helper.flash_info()["chip"]
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{chip.get('uid', 'unit')}"
    for sector in lost:
        _save(data_dir() / "backups" / name / f"sector-{sector.index}.bin", chip, [sector])
    return str(data_dir() / "backups" / name)


def _save(path: Path, chip: dict[str, Any], sectors: list[SectorContents]) -> dict[str, Any]:
    """The bytes, and beside them what they are. Raises HostError when the disk is full."""
    data = b"".join(sector.data for sector in sectors)
    facts = {
        "chip": chip,
        "address": sectors[0].address,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "torn": [address for sector in sectors for address in sector.torn],
    }
    write_atomically(path, data)
    write_atomically(_facts_beside(path), json.dumps(facts, indent=2).encode())
    return facts


def _facts_beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _leave(differing: list[int], as_json: bool) -> None:
    if not differing:
        return
    if not as_json:
        for address in differing:
            console().print(f"The flash differs from the image in the segment at 0x{address:08x}.")
    raise typer.Exit(NOT_WELL)
