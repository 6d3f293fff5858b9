"""job.json: what is accepted, and how each mistake is named."""

from collections.abc import Callable
from typing import Any

import pytest

from rescuelink.errors import JobError
from rescuelink.job import default_job, validate
from rescuelink.vectors import check_vectors

Document = dict[str, Any]
SHA = "ab" * 32


def document() -> Document:
    return default_job(
        "bms.bin",
        SHA,
        [{"address": "0x08000000", "length": 100_000, "offset": 0, "sha256": SHA}],
        version="1.2.0",
    )


def test_the_default_job_is_valid_and_repairs() -> None:
    job = validate(document())
    assert (job.name, job.mode, job.proof.rule) == ("bms.bin", "repair", "core-running")
    assert job.image.segments[0].address == 0x08000000
    assert job.limits.rails["v3v3"].low_mv == 3135


def test_addresses_may_be_numbers_or_texts() -> None:
    changed = document()
    changed["image"]["segments"][0]["address"] = 0x08000000
    assert validate(changed).image.segments[0].address == 0x08000000


def test_limits_are_overridden_one_by_one() -> None:
    changed = document()
    changed["limits"] = {"supply_ma": 100, "rails": {"bplus": {"high_mv": 55_000}}}
    limits = validate(changed).limits
    assert (limits.supply_ma, limits.trip_ma) == (100, 300)
    assert (limits.rails["bplus"].low_mv, limits.rails["bplus"].high_mv) == (15_000, 55_000)


def test_a_tail_is_padded_to_its_flash_word() -> None:
    segment = validate(document()).image.segments[0]
    assert segment.end(32) == 0x08000000 + 100_000


def test_a_job_owns_the_sectors_its_image_touches_and_no_others() -> None:
    job = validate(document())
    assert job.owns(0x08000000, 0x20000)
    assert not job.owns(0x08020000, 0x20000)


def test_a_marker_is_one_or_a_list_and_a_text_or_a_digest() -> None:
    changed = document()
    text = {"address": "0x08000400", "text": "PACE-P16S100A"}
    changed["target"]["marker"] = text
    assert validate(changed).markers == [(0x08000400, 13, "PACE-P16S100A", "")]
    changed["target"]["marker"] = [text, {"address": 0x08000404, "length": 16, "sha256": SHA}]
    assert validate(changed).markers[1] == (0x08000404, 16, "", SHA)


def test_golden_option_bytes_are_asked_only_for_bits_that_mean_something() -> None:
    changed = document()
    changed["options"] = {"optsr": {"value": "0x179EAAF0"}}
    assert validate(changed).options == [["optsr", 0x179EAAF0, 0x230600DC]]
    changed["target"]["chip"] = "STM32H735"
    assert validate(changed).options == [["optsr", 0x179EAAF0, 0x231E00DC]]


def set_key(*path: str | int, to: object) -> Callable[[Document], None]:
    def change(doc: Document) -> None:
        target: Any = doc
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = to

    return change


def add_segment(address: object, length: int = 64) -> Callable[[Document], None]:
    return lambda doc: doc["image"]["segments"].append(
        {"address": address, "length": length, "offset": 0, "sha256": SHA}
    )


def preserve(address: int, length: int) -> Callable[[Document], None]:
    return set_key("policy", "preserve", to=[{"name": "serial", "address": address, "length": length}])


def marker(**keys: object) -> Callable[[Document], None]:
    return set_key("target", "marker", to=keys)


def golden(**keys: object) -> Callable[[Document], None]:
    return set_key("options", to={"optsr": {"value": "0x0306AAD0", **keys}})


FIRST = ("image", "segments", 0)

MISTAKES: list[tuple[str, str, Callable[[Document], None]]] = [
    ("a future format", "format", set_key("format", to="bmsrescue-job/2")),
    ("a missing name", "name", lambda doc: doc.pop("name")),
    ("an empty name", "name", set_key("name", to="")),
    ("an unknown key at the top", "erase_all", set_key("erase_all", to=True)),
    ("an unknown key deep down", "image.segments[0].adress", set_key(*FIRST, "adress", to=1)),
    ("a number that is a text", "policy.mode", set_key("policy", "mode", to=1)),
    ("a truth value as a number", "target.flash_kib", set_key("target", "flash_kib", to=True)),
    ("a list that is an object", "image.segments", set_key("image", "segments", to={})),
    ("no segments", "image.segments", set_key("image", "segments", to=[])),
    (
        "an address that is no number",
        "image.segments[0].address",
        set_key(*FIRST, "address", to="0xZZ"),
    ),
    ("an address with blanks", "image.segments[0].address", set_key(*FIRST, "address", to=" 8")),
    ("a misaligned segment", "image.segments[0].address", set_key(*FIRST, "address", to=0x08000010)),
    ("a segment in RAM", "image.segments[0].address", set_key(*FIRST, "address", to=0x20000000)),
    ("an image too large", "image.segments[0].address", set_key(*FIRST, "length", to=0x100001)),
    ("overlapping segments", "image.segments", add_segment(0x08000020)),
    (
        "no vector table at the boot address",
        "image.segments",
        set_key(*FIRST, "address", to=0x08020000),
    ),
    ("a hash that is too short", "image.sha256", set_key("image", "sha256", to="ab")),
    ("a file outside the card's root", "image.file", set_key("image", "file", to="../secret")),
    ("a chip nobody knows", "target.chip", set_key("target", "chip", to="STM32F103")),
    ("an ID of another chip", "target.dev_id", set_key("target", "dev_id", to=0x450)),
    ("an identity in small letters", "target.uid", set_key("target", "uid", to="0a" * 12)),
    ("an identity that is too short", "target.uid", set_key("target", "uid", to="0A" * 11)),
    ("a flash size the chip never has", "target.flash_kib", set_key("target", "flash_kib", to=2048)),
    ("a segment over a preserved region", "policy.preserve", preserve(0x08010000, 64)),
    ("a preserved region outside the flash", "policy.preserve[0].length", preserve(0x080FFFF0, 64)),
    ("consent to everything", "policy.consent[0]", set_key("policy", "consent", to=["all"])),
    ("consent to a sector that is not there", "policy.consent[0]", set_key("policy", "consent", to=["sector:8"])),
    ("a mode nobody knows", "policy.mode", set_key("policy", "mode", to="mass-erase")),
    ("a limit out of reason", "limits.supply_ma", set_key("limits", to={"supply_ma": 50_000})),
    ("limits out of order", "limits.rails.v3v3", set_key("limits", to={"rails": {"v3v3": {"low_mv": 3600}}})),
    ("a rail nobody has", "limits.rails.v1v8", set_key("limits", to={"rails": {"v1v8": {}}})),
    ("a marker without contents", "target.marker.length", marker(address="0x08000400")),
    ("a marker of two letters", "target.marker.text", marker(address="0x08000400", text="AB")),
    ("a marker with an accent", "target.marker.text", marker(address="0x08000400", text="Batt\u00e9rie")),
    ("a marker across the flash's end", "target.marker.address", marker(address="0x080FFFFC", text="PACE-P16S")),
    ("a digest that is none", "target.marker.sha256", marker(address="0x08000400", length=16, sha256="ab")),
    ("no marker in the list", "target.marker", set_key("target", "marker", to=[])),
    ("a marker that is a text", "target.marker[0]", set_key("target", "marker", to=["PACE"])),
    ("a reserved option bit", "options.optsr.mask", golden(mask="0x10000000")),
    ("RDP as a golden option", "options.optsr.mask", golden(mask="0x0000FF00")),
    ("ST_RAM_SIZE on a part without crypto", "options.optsr.mask", golden(mask="0x00180000")),
    ("a proof rule nobody knows", "proof.rule", set_key("proof", "rule", to="looks-fine")),
]


@pytest.mark.parametrize(("story", "path", "change"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES])
def test_a_mistake_is_named_by_its_key_with_what_to_do(
    story: str, path: str, change: Callable[[Document], None]
) -> None:
    wrong = document()
    change(wrong)
    with pytest.raises(JobError) as raised:
        validate(wrong)
    assert raised.value.message.startswith(path + ":")
    assert raised.value.next_step


@pytest.mark.parametrize("value", [None, [], "job", 7])
def test_a_job_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(JobError):
        validate(value)


def vectors(sp: int, pc: int) -> bytes:
    return sp.to_bytes(4, "little") + pc.to_bytes(4, "little")


def test_a_vector_table_is_accepted() -> None:
    check_vectors(validate(document()), vectors(0x20020000, 0x08000401))


@pytest.mark.parametrize(
    ("sp", "pc"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x20020000, 0x08000400),
        (0x08000000, 0x08000401),
        (0x20020002, 0x08000401),
        (0x20020000, 0x20000001),
    ],
)
def test_data_that_is_no_vector_table_is_refused(sp: int, pc: int) -> None:
    with pytest.raises(JobError, match="no vector table"):
        check_vectors(validate(document()), vectors(sp, pc))
