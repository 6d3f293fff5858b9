"""`bmsrescue card`: make a card for the dongle, and check one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bmsrescue.card.build import ImageOptions, build_files, learning_job, owned_notes, owned_sectors, segments_of
from bmsrescue.card.check import LEARN, check_card, read_job
from bmsrescue.card.storage import card_notes, read_card, write_new_card
from bmsrescue.cli.common import JsonOption, print_json, telling_errors
from bmsrescue.cli.keys import TrustOption, ask_passphrase, signed_by, trusted_keys
from bmsrescue.cli.new_file import OverwriteOption, check_new_card
from bmsrescue.cli.output import console
from bmsrescue.cli.sibling import Asked, build_from, map_facts, show_map
from bmsrescue.errors import UsageError
from bmsrescue.image.markers import Marker, find_markers
from bmsrescue.keys.signing import sign_files
from bmsrescue.keys.store import KeyStore
from bmsrescue.sibling.own import FlashMap
from rescuelink.job import Job
from rescuelink.manifest import NAME as MANIFEST


def build(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="A folder, or a FAT image (.img).")],
    source: Annotated[
        list[Path] | None,
        typer.Argument(metavar="JOB|IMAGE", help="A job file (.json), or firmware of any format."),
    ] = None,
    good: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", metavar="GOOD", help="In place of an image: the backup of a good unit, or more; or a card."
        ),
    ] = None,
    dead: Annotated[
        Path | None, typer.Option(metavar="DEAD", help="With --from: the dead unit's backup, to see what it still has.")
    ] = None,
    take: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS[+LENGTH]", help="With --from: this is firmware.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS+LENGTH", help="With --from: this is the unit's own.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="MAP.png", help="With --from: draw the map.")] = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="In place of an image: the dongle reads good units to the card.")
    ] = False,
    base: Annotated[str | None, typer.Option(help="Address of a BIN's first byte (0x08000000).")] = None,
    version: Annotated[str, typer.Option("--image-version", help="The image's version, for the record.")] = "",
    chip: Annotated[str | None, typer.Option(help="What the firmware is for: STM32H725, STM32H743, ...")] = None,
    marker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT[@ADDRESS]", help="Text in the image by which the product is known; may be repeated."
        ),
    ] = None,
    boot: Annotated[str | None, typer.Option(help="Address of the vector table; found in the image otherwise.")] = None,
    only_flash: Annotated[bool, typer.Option("--only-flash", help="Leave out what is not for flash.")] = False,
    whole_flash: Annotated[bool, typer.Option("--whole-flash", help="The image may replace every sector.")] = False,
    sign: Annotated[str, typer.Option(metavar="KEY", help="Sign it: `bmsrescue keys new` makes a key.")] = "",
    release: Annotated[int, typer.Option(metavar="NUMBER", help="With --sign: higher than any release before.")] = 0,
    series: Annotated[
        str, typer.Option(metavar="NAME", help="With --sign: what the numbers count; of a job file its name.")
    ] = "",
    for_helper: Annotated[
        str, typer.Option(metavar="HELPER_ID", help="With --sign: an exception, older than what this helper has seen.")
    ] = "",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a card. Given only firmware: repair to this image, preserve nothing by name, proof by a running core."""
    found: FlashMap | None = None
    with telling_errors(as_json):
        options = ImageOptions(
            base=_address(base, "--base"),
            boot=_address(boot, "--boot"),
            whole_flash=whole_flash,
            only_flash=only_flash,
            version=version,
            chip=_chip_name(chip) if chip else "",
            markers=tuple(marker or ()),
        )
        if good:
            _refuse_with_from(options)
            asked = Asked(
                [*good, *(source or ())], dead, take or (), keep or (), picture, version, options.chip, options.markers
            )
            built, found = build_from(asked, overwrite)
        else:
            if dead or take or keep or picture:
                raise UsageError("--dead, --take, --keep and --picture belong to --from", "Add --from GOOD.")
            built = learning_job("learn") if learn and not source else build_files(_only(source), options)
        files = built.files
        job, _document = read_job(files)
        if sign:
            named = series or (job.name if source and source[0].suffix.lower() == ".json" else "")
            files = {**files, MANIFEST: _signature(sign, files, named, release, for_helper)}
        elif release or series or for_helper:
            raise UsageError("--release, --series and --for-helper belong to --sign", "Add --sign KEY.")
        likely = [] if job.markers else find_markers(segments_of(job, files))
        check_new_card(out, files, read_card(out) if out.exists() else {}, overwrite)
        write_new_card(out, files)
    if found is not None and not as_json:
        show_map(found, picture)
    _tell(out, "", job, [*built.notes, signed_by(files)], as_json, likely, None if found is None else map_facts(found))


def check(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The card's folder or FAT image.")],
    trust: TrustOption = None,
    development: Annotated[
        bool, typer.Option("--development", help="As a helper without keys, which runs any job, signed or not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a card as the dongle would, and a little more: as one with the keys that are trusted here, if there are."""
    with telling_errors(as_json):
        if not card.exists():
            raise UsageError(f"there is no card at {card}", "Make one with: bmsrescue card build")
        files = read_card(card)
        job = check_card(files, None if development else trusted_keys(trust) or KeyStore().for_jobs())
        notes = [*card_notes(card), *owned_notes(job), signed_by(files)]
    _tell(card, "good. ", job, notes, as_json)


def _signature(name: str, files: dict[str, bytes], series: str, release: int, helper: str) -> bytes:
    store = KeyStore()
    store.secret_path(name)  # a wrong name is told before a passphrase is asked for
    return sign_files(store.secret(name, ask_passphrase(store, name)), files, series, release, helper)


def _only(sources: Sequence[Path] | None) -> Path:
    if not sources:
        raise UsageError("what is the card to be made of?", "Name a job file or an image, or a good unit with --from.")
    if len(sources) > 1:
        raise UsageError(
            f"{sources[0]} and {sources[1]} are two sources", "Give one; only good units may be several (--from)."
        )
    return sources[0]


def _refuse_with_from(options: ImageOptions) -> None:
    if options.base is not None or options.boot is not None or options.whole_flash or options.only_flash:
        raise UsageError(
            "--base, --boot, --only-flash and --whole-flash belong to an image",
            "With --from they are found in the backup.",
        )


def _chip_name(text: str) -> str:
    """ "H743" and "stm32h743vit6" are the STM32H743."""
    return "STM32" + text.upper().removeprefix("STM32")[:4]


def _tell(
    card: Path,
    verdict: str,
    job: Job,
    notes: Sequence[str],
    as_json: bool,
    likely: Sequence[Marker] = (),
    flash_map: dict[str, object] | None = None,
) -> None:
    if not as_json:
        console().print(f"{card}: {verdict}{_describe(job)}", markup=False, soft_wrap=True)
        for line in _offer(likely):
            console().print(line, markup=False, highlight=False, soft_wrap=True)
        for note in notes:
            console().print(f"- {note}.", markup=False, highlight=False, soft_wrap=True)
        return
    image = {"file": job.image.file, "version": job.image.version, "bytes": _size(job), "address": _start(job)}
    said: dict[str, object] = {"name": job.name, "chip": job.chip, "mode": job.mode, "image": image}
    if likely:
        said["likely_markers"] = [
            {"kind": one.kind, "address": f"0x{one.address:08x}", "text": one.text} for one in likely
        ]
    told = {"card": str(card), "job": said, "sectors": owned_sectors(job), "notes": list(notes)}
    print_json(told if flash_map is None else {**told, "map": flash_map})


def _offer(likely: Sequence[Marker]) -> list[str]:
    if not likely:
        return []
    lines = ["The job knows no marker of its product. Likely ones in this image:"]
    lines += [f"  0x{one.address:08x}  {one.kind}  {one.text}" for one in likely]
    products = [one for one in likely if one.kind == "product"]
    if products:
        lines.append(f"Take the one that each build has in the same place: --marker {products[0].text}")
    return lines


def _size(job: Job) -> int:
    return sum(segment.length for segment in job.image.segments)


def _start(job: Job) -> int:
    return min((segment.address for segment in job.image.segments), default=0)


def _describe(job: Job) -> str:
    if job.mode == LEARN:
        return f"job '{job.name}': learn."
    size, start = _size(job), _start(job)
    version = f" {job.image.version}" if job.image.version else ""
    return f"job '{job.name}' for {job.chip}: {job.mode} to {job.image.file}{version}, {size} bytes from 0x{start:08x}."


def _address(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        address = int(text, 0)
    except ValueError as error:
        raise UsageError(f"{option} {text} is no address", "Write it as 0x08000000.") from error
    if not 0 <= address <= 0xFFFF_FFFF:
        raise UsageError(f"{option} {text} is no 32-bit address", "Write it as 0x08000000.")
    return address
