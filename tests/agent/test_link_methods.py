"""Every method of the link, called over a pty on the agent as it runs on a real MicroPython."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.link import method_tables
from bmsrescue.twin.serial_twin import SerialTwin
from link_twin import PATIENCE_S, Host, helper_behind, records_on
from rescuelink.errors import CardError, ConsentError, LinkError, PowerError, TargetError, WireError

FLASH, DTCM, AXI_SRAM = 0x08000000, 0x20000000, 0x24010000
CSW, TAR, DRW = 0x00, 0x04, 0x0C
SECTOR = 0x20000
# Not here: what ends the agent (test_link_prompt, test_link_rules), and the debug probe (test_dap_mode).
ELSEWHERE = ("helper.repl", "helper.reset", "card.written", "probe.run")


@pytest.fixture(scope="module", params=["pty", "tcp"])
def twin(request: pytest.FixtureRequest) -> Iterator[SerialTwin]:
    with helper_behind(request.param, "healthy") as twin:
        yield twin


@pytest.fixture
def host(twin: SerialTwin) -> Iterator[Host]:
    with Host(twin.url) as host:
        yield host


@pytest.fixture
def connected(host: Host) -> Host:
    host.connect()
    return host


def test_hello_says_what_the_helper_is(host: Host) -> None:
    assert host.about["protocol"] == 1
    assert host.about["helper"] == "twin"
    assert "swd" in host.about["capabilities"]
    assert host.about["interrupted"] is None


# docs/wiring.md, "Sensing": what a rail without power is below.
OFF_MV = {"bplus": 1000, "v12": 1000, "v5iso": 500, "v3v3": 300, "vcap": 300}


class TestHelper:
    def test_info_time_heap_and_status(self, host: Host) -> None:
        assert host.call("helper.info")["agent"] == host.about["agent"]
        first, second = host.call("helper.time"), host.call("helper.time")
        assert second["us"] > first["us"]
        assert host.call("helper.heap")["free"] > 50_000
        assert host.call("status") == {"session": "test", "working": None, "on": False}

    def test_echo_gives_back_any_bytes(self, host: Host) -> None:
        data = bytes(range(256)) * 8
        assert host.call("helper.echo", data) == data

    def test_its_board_json_is_read_and_replaced(self, host: Host) -> None:
        text = host.call("helper.board")
        config = json.loads(text)
        host.call("helper.set_board", json.dumps({**config, "helper": "renamed"}).encode())
        assert json.loads(host.call("helper.board"))["helper"] == "renamed"
        for bad in (b"", b"{", b"[]", b"\xff"):
            with pytest.raises(LinkError, match="no board"):
                host.call("helper.set_board", bad)
        assert json.loads(host.call("helper.board"))["helper"] == "renamed"
        host.call("helper.set_board", text)
        assert host.call("helper.board") == text

    def test_the_log_tells_what_happened(self, host: Host) -> None:
        lines = host.call("helper.log").splitlines()
        assert any(json.loads(line)[1:] == ["opened", "test"] for line in lines)
        assert host.call("helper.log", False, 1 << 20) == b""

    def test_safe_switches_everything_off(self, twin: SerialTwin, host: Host) -> None:
        host.connect()
        host.call("lines.nrst", True)
        host.call("helper.safe")
        assert twin.unit.supply_ma == 0
        with pytest.raises(TargetError, match="o chip is connected"):
            host.call("memory.read", FLASH, 4)


class TestRailsAndPower:
    def test_the_rails_come_and_go(self, host: Host) -> None:
        off = host.call("power.sense", timeout_s=PATIENCE_S)
        assert off["trip"] is None
        on = host.call("power.on", timeout_s=PATIENCE_S)
        assert on["trip"] is None
        assert 3_200 < on["rails"]["v3v3"]["mv"] < 3_400
        assert host.call("power.status")["on"]
        assert 17_000 < host.call("rails.read")["rails"]["bplus"] < 19_000
        raw = host.call("rails.raw")["bplus"]
        assert abs(raw * 3300 * 31 / 65536 - 18_000) < 400, "300 k over 10 k, 3.3 V full scale"
        low, mean, high = host.call("rails.capture", 1_200, 10, timeout_s=PATIENCE_S)["v3v3"]
        assert low <= mean <= high
        assert host.call("power.cycle", timeout_s=PATIENCE_S)["cycles"] >= 2
        gone = host.call("power.off", timeout_s=PATIENCE_S)["rails"]
        assert all(rail["mv"] < OFF_MV[name] for name, rail in gone.items())

    def test_rails_are_told_at_the_chosen_rate(self, host: Host) -> None:
        host.call("rails.stream", 50)
        host.wait_for("rails", lambda data: data["ms"] > host.all_of("rails")[0]["ms"] + 400)
        host.call("rails.stream", 0)
        times = [data["ms"] for data in host.all_of("rails")]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert min(gaps) >= 50
        told = host.all_of("rails")[0]["rails"]["v3v3"]
        assert told["min_mv"] == told["mv"] == told["max_mv"]


class TestLines:
    def test_nrst_boot0_and_button(self, twin: SerialTwin, host: Host) -> None:
        with pytest.raises(PowerError, match=r"no steady 3\.3 V"):
            host.call("lines.boot0", True)
        host.power_on()
        assert host.call("lines.level")["nrst"]
        host.call("lines.nrst", True)
        assert host.call("lines.level") == {"nrst": False, "edges": 1}
        host.call("lines.nrst", False)
        host.call("lines.boot0", True)
        host.call("lines.boot0", None)
        host.call("lines.button", 100, timeout_s=PATIENCE_S)


class TestTarget:
    def test_connect_by_rung_and_by_ladder(self, host: Host) -> None:
        by_rung = host.connect("attach")
        assert by_rung["how"] == "attach"
        assert by_rung["dpidr"] == 0x6BA02477
        by_ladder = host.call("target.connect", timeout_s=PATIENCE_S)
        assert by_ladder["dpidr"] == by_rung["dpidr"]
        host.call("target.disconnect")

    def test_without_power_nothing_is_driven(self, host: Host) -> None:
        with pytest.raises(PowerError, match=r"no steady 3\.3 V"):
            host.call("target.connect", "attach")

    def test_raw_transfers_in_batches(self, connected: Host) -> None:
        connected.call("target.raw")
        assert connected.call("target.clock", 2_000_000) <= 2_000_000
        connected.call("target.sequence", "jtag-to-swd")
        reset = [[56, b"\xff" * 7], [8, 0], [8, 0xA5], [1], [3], [24], [9]]
        acknowledge = connected.call("target.bits", reset)[1]
        assert acknowledge == 1, "a read of DPIDR in single bits after a line reset"
        connected.call("target.sequence", "line-reset")
        dpidr, _ctrl = connected.call("target.transfer", [[0, 0], [0, 4, 0x50000000], [0, 8, 0], [0, 4]])
        assert dpidr == 0x6BA02477
        setup = [[0, 8, 0], [1, CSW, 0x03000012], [1, TAR, AXI_SRAM]]
        assert connected.call("target.transfer", setup) == []
        connected.call("target.writeblock", 1, DRW, bytes(range(64)))
        connected.call("target.transfer", [[1, TAR, AXI_SRAM]])
        before = connected.call("target.cycles")
        assert connected.call("target.readblock", 1, DRW, 16) == bytes(range(64))
        assert connected.call("target.cycles") > before

    def test_a_failing_batch_says_how_far_it_came(self, connected: Host) -> None:
        bad = [[0, 8, 0], [1, CSW, 0x03000012], [1, TAR, 0xFFFFFFF0], [1, DRW], [0, 12]]
        with pytest.raises(WireError) as failed:
            connected.call("target.transfer", bad)
        assert failed.value.kind == "fault"
        assert failed.value.done == 3

    def test_parameters_are_checked(self, connected: Host) -> None:
        for wrong in (["target.transfer", [[2, 0]]], ["target.clock", 1], ["target.sequence", "what"]):
            with pytest.raises(LinkError) as refused:
                connected.call(*wrong)
            assert refused.value.kind == "bad_params"


class TestMemoryAndCore:
    def test_ram_keeps_what_is_written(self, connected: Host) -> None:
        data = random.Random(1).randbytes(2048)
        connected.call("core.halt")
        connected.call("memory.write", DTCM, data, timeout_s=PATIENCE_S)
        assert connected.call("memory.read", DTCM, 2048, timeout_s=PATIENCE_S) == data
        with pytest.raises(LinkError, match="hole words"):
            connected.call("memory.read", DTCM + 1, 4)

    def test_the_core_is_run_and_looked_at(self, connected: Host) -> None:
        connected.call("core.reset")
        assert connected.call("core.state")["state"] == "halted"
        start = connected.call("core.register", 15)
        connected.call("core.step")
        assert connected.call("core.register", 15) != start
        assert connected.call("core.register", 0, 0x12345678) == 0x12345678
        assert connected.call("core.register", 0) == 0x12345678
        connected.call("core.reset")
        connected.call("core.resume")
        assert len(connected.call("core.samples", 8)) == 8
        assert connected.call("core.clock", 50, timeout_s=PATIENCE_S) > 1_000_000


class TestFlashAndOptions:
    def test_flash_is_read_and_counted(self, twin: SerialTwin, connected: Host) -> None:
        info = connected.call("flash.info")
        assert len(info["sectors"]) == 8
        assert info["word_bytes"] == 32
        flash = bytes(twin.unit.chip.flash.snapshot())
        assert connected.call("flash.read", FLASH, 1024, timeout_s=PATIENCE_S) == {"data": flash[:1024], "torn": []}
        found = connected.call("flash.sha256", FLASH, SECTOR, timeout_s=PATIENCE_S)
        assert found == hashlib.sha256(flash[:SECTOR]).digest()
        found = connected.call("flash.sha256", FLASH + 3, 1001, timeout_s=PATIENCE_S)
        assert found == hashlib.sha256(flash[3:1004]).digest()
        assert connected.call("flash.crc", FLASH, SECTOR) is None, "a host from before reads then"
        assert connected.call("options.read")["rdp"] == 0

    def test_flash_is_compared_with_what_it_should_hold(self, twin: SerialTwin, connected: Host) -> None:
        held = bytes(twin.unit.chip.flash.snapshot())[:512]
        assert connected.call("flash.verify", FLASH, held, timeout_s=PATIENCE_S) is None
        for at in (0, 77, 511):
            other = held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :]
            assert connected.call("flash.verify", FLASH, other, timeout_s=PATIENCE_S) == FLASH + at
        with pytest.raises(LinkError, match="hole words"):
            connected.call("flash.verify", FLASH, b"abc")

    def test_option_bytes_are_changed_with_words_that_name_them(self, connected: Host) -> None:
        before = connected.call("options.read")
        assert before["bor_level"] != 2
        for words in ("", "yes", "change boot"):
            with pytest.raises(ConsentError, match="change optsr"):
                connected.call("options.write", "optsr", 2 << 2, 3 << 2, words)
        with pytest.raises(ConsentError, match="never written"):
            connected.call("options.write", "optsr", 0xCC00, 0xFF00, "change optsr", timeout_s=PATIENCE_S)
        with pytest.raises(LinkError, match="no option bytes"):
            connected.call("options.write", "rdp", 1, 1, "change rdp")
        assert connected.call("options.read") == before
        changed = connected.call("options.write", "optsr", 2 << 2, 3 << 2, "change optsr", timeout_s=PATIENCE_S)
        assert changed["bor_level"] == 2
        connected.call("power.cycle", timeout_s=PATIENCE_S)
        connected.connect()
        assert connected.call("options.read")["bor_level"] == 2
        back = connected.call("options.write", "optsr", before["optsr"], 3 << 2, "change optsr", timeout_s=PATIENCE_S)
        assert back == before

    def test_nothing_is_erased_without_consent(self, connected: Host) -> None:
        with pytest.raises(ConsentError):
            connected.call("flash.erase", 5)
        with pytest.raises(ConsentError, match="onsent reads like"):
            connected.call("flash.consent", "please")

    def test_a_sector_is_erased_and_written(self, twin: SerialTwin, connected: Host) -> None:
        data = random.Random(2).randbytes(256)
        assert connected.call("flash.consent", "erase sectors 5")["sectors"] == [5]
        connected.call("flash.begin", timeout_s=PATIENCE_S)
        connected.call("flash.erase", 5, timeout_s=PATIENCE_S)
        connected.call("flash.program", FLASH + 5 * SECTOR, data, True, timeout_s=PATIENCE_S)
        with pytest.raises(ConsentError):
            connected.call("flash.erase", 4)
        connected.call("flash.end")
        assert bytes(twin.unit.chip.flash.snapshot())[5 * SECTOR : 5 * SECTOR + 256] == data
        with pytest.raises(ConsentError):
            connected.call("flash.erase", 5)

    def test_what_a_host_changes_for_good_is_told_and_stands_in_the_helpers_log(self, connected: Host) -> None:
        connected.call("flash.consent", "erase sectors 7")
        connected.call("flash.begin", timeout_s=PATIENCE_S)
        connected.call("flash.erase", 7, timeout_s=PATIENCE_S)
        with pytest.raises(ConsentError):
            connected.call("flash.erase", 4)
        connected.call("flash.end")
        connected.call("options.write", "optsr", 2 << 2, 3 << 2, "change optsr", timeout_s=PATIENCE_S)
        outcomes = [
            "erase sector 7: done",
            "erase sector 4: not_allowed",
            "optsr to 0x00000008 in the bits 0x0000000c: done",
        ]
        log = window = connected.call("helper.log")
        while window:
            window = connected.call("helper.log", False, len(log))
            log += window
        lines = [json.loads(line) for line in log.splitlines()]
        assert [text for _ms, word, text in lines if word == "change"][-3:] == outcomes
        assert [text for _ms, word, text in lines if word == "consent"][-1] == "erase sectors 7"
        told = connected.all_of("change")
        assert [f"{change['what']}: {change['outcome']}" for change in told] == outcomes

    def test_an_erase_that_has_begun_is_not_cancelled(self, twin: SerialTwin, connected: Host) -> None:
        connected.call("flash.consent", "erase sectors 6")
        connected.call("flash.begin", timeout_s=PATIENCE_S)
        erase, cancel = connected.start("flash.erase", 6), connected.start("cancel")
        connected.finish(erase, PATIENCE_S)
        connected.finish(cancel)
        connected.call("flash.end")
        assert set(bytes(twin.unit.chip.flash.snapshot())[6 * SECTOR : 7 * SECTOR]) == {0xFF}


class TestCardAndRecords:
    def test_a_file_is_written_listed_read_and_deleted(self, host: Host) -> None:
        data = random.Random(3).randbytes(9_000)
        free = host.call("card.free")
        host.call("card.mkdir", "notes")
        for offset in range(0, len(data), 2048):
            host.call("card.write", "notes/a.bin", offset, data[offset : offset + 2048])
        host.call("card.close")
        assert host.call("card.list", "notes") == [["a.bin", 9_000, False]]
        assert host.call("card.size", "notes/a.bin") == 9_000
        assert host.call("card.hash", "notes/a.bin") == hashlib.sha256(data).hexdigest()
        assert host.call("card.read", "notes/a.bin", 8_192, 2048) == data[8_192:]
        assert host.call("card.free") < free
        host.call("card.remove", "notes/a.bin")
        with pytest.raises(CardError) as missing:
            host.call("card.size", "notes/a.bin")
        assert missing.value.kind == "missing"

    def test_requests_in_a_pipeline_are_answered_each_with_its_own_result(self, host: Host) -> None:
        host.call("card.write", "b.bin", 0, b"abc")
        host.call("card.close")
        calls = [host.start("card.size", name) for name in ("b.bin", "none.bin", "b.bin")]
        assert host.finish(calls[0]) == 3
        with pytest.raises(CardError):
            host.finish(calls[1])
        assert host.finish(calls[2]) == 3

    def test_a_path_stays_on_the_card_and_records_are_kept(self, host: Host) -> None:
        for path in ("../flash/x", "records\\records.jsonl", "x\\..\\records\\x", "\\RECORDS/x", "records\n", "\0"):
            for call in (("read", path, 0, 10), ("write", path, 0, b""), ("remove", path), ("mkdir", path)):
                with pytest.raises(LinkError, match="stays on the card"):
                    host.call("card." + call[0], *call[1:])
        for path in ("records/records.jsonl", "RECORDS/RECORDS.JSONL", "/./Records./x", "backups/x", "BACKUPS /x"):
            with pytest.raises(CardError, match="not changed"):
                host.call("card.remove", path)
            with pytest.raises(CardError, match="not changed"):
                host.call("card.write", path, 0, b"nothing")
            with pytest.raises(CardError, match="not changed"):
                host.call("card.mkdir", path)

    def test_a_diagnosis_changes_nothing_and_a_run_is_recorded(self, twin: SerialTwin, host: Host) -> None:
        before = bytes(twin.unit.chip.flash.snapshot())
        assert host.call("job.steps")[0] == "job"
        found = host.call("job.until", "diagnosis", timeout_s=PATIENCE_S)
        assert found["error"] is None
        assert found["diagnosis"]["cause"]
        assert found["evidence"]["chip"]["dev_id"] == 0x483
        assert host.call("records.sizes")["card"] == 0
        record = host.call("job.run", timeout_s=PATIENCE_S)
        assert record["outcome"] in ("NO_FAULT_FOUND", "RECOVERED")
        assert twin.card is not None
        assert [record["sequence"] for record in records_on(twin.card)] == [record["sequence"]]
        size = host.call("records.sizes")["card"]
        line = host.call("records.read", "card", 0)
        assert len(line) == min(size, 2048)
        assert bytes(twin.unit.chip.flash.snapshot())[:SECTOR] == before[:SECTOR]
        with pytest.raises(LinkError, match="step before act"):
            host.call("job.until", "act")


def test_no_method_was_left_out() -> None:
    """The calls above, held against the tables of the agent."""
    source = Path(__file__).read_text(encoding="utf-8")
    methods = [method.name for group in method_tables.groups() for method in group.methods]
    assert len(methods) > 50
    missing = [name for name in methods if f'"{name}"' not in source and name not in ELSEWHERE]
    assert not missing, f"call these in a test of {Path(__file__).name}: {missing}"
