"""Firmware for the emulated Pico: downloaded from a server, checked, kept, and never trusted blindly."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bmsrescue.errors import HostError, UsageError
from bmsrescue.twin.rp2040 import firmware

RP2040, RP2350 = 0xE48BFF56, 0xE48BFF59


def uf2(blocks: int = 3, family: int = RP2040, fill: int = 0) -> bytes:
    """A UF2 file of 256 bytes a block."""
    data = b""
    for number in range(blocks):
        header = struct.pack(
            "<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + number * 256, 256, number, blocks, family
        )
        data += (header + bytes([fill]) * 256).ljust(508, b"\0") + struct.pack("<I", 0x0AB16F30)
    return data


class Server:
    """A web server on loopback that hands out `files`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        files = self.files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_a_firmware_is_downloaded_and_its_digest_kept_beside_it(server: Server, tmp_path: Path) -> None:
    server.files["/PICO.uf2"] = uf2()
    path, digest = firmware.download(server.url + "/PICO.uf2", folder=tmp_path)
    assert path.read_bytes() == uf2()
    assert digest == hashlib.sha256(uf2()).hexdigest()
    assert (tmp_path / "PICO.uf2.sha256").read_text() == f"{digest}  PICO.uf2\n"


def test_another_file_under_the_same_name_is_refused(server: Server, tmp_path: Path) -> None:
    server.files["/PICO.uf2"] = uf2()
    path, _digest = firmware.download(server.url + "/PICO.uf2", folder=tmp_path)
    server.files["/PICO.uf2"] = uf2(fill=1)
    with pytest.raises(HostError, match="SHA-256"):
        firmware.download(server.url + "/PICO.uf2", folder=tmp_path)
    assert path.read_bytes() == uf2()


def test_a_digest_that_is_asked_for_must_be_met(server: Server, tmp_path: Path) -> None:
    server.files["/PICO.uf2"] = uf2()
    with pytest.raises(HostError, match="SHA-256"):
        firmware.download(server.url + "/PICO.uf2", "00" * 32, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>not found</html>", uf2()[:-512], uf2(family=RP2350), b"\0" * 1024],
    ids=["nothing", "a page", "a cut file", "a Pico 2", "zeros"],
)
def test_what_is_no_firmware_for_a_pico_is_refused(server: Server, tmp_path: Path, data: bytes) -> None:
    server.files["/PICO.uf2"] = data
    with pytest.raises(HostError):
        firmware.download(server.url + "/PICO.uf2", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_it_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="404"):
        firmware.download(server.url + "/PICO.uf2", folder=tmp_path)


def test_the_firmware_is_that_of_the_option_then_of_the_variable_then_of_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(firmware.VARIABLE, raising=False)
    monkeypatch.setattr(firmware, "cache_dir", lambda: tmp_path)
    with pytest.raises(HostError, match="no MicroPython firmware"):
        firmware.find()
    cached = tmp_path / firmware.URL.rpartition("/")[2]
    cached.write_bytes(uf2())
    (tmp_path / (cached.name + ".sha256")).write_text(hashlib.sha256(uf2()).hexdigest())
    assert firmware.find() == cached
    named = tmp_path / "mine.uf2"
    named.write_bytes(uf2(fill=2))
    monkeypatch.setenv(firmware.VARIABLE, str(named))
    assert firmware.find() == named
    with pytest.raises(UsageError):
        firmware.find(tmp_path / "missing.uf2")


def test_a_cached_file_that_has_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(firmware.VARIABLE, raising=False)
    monkeypatch.setattr(firmware, "cache_dir", lambda: tmp_path)
    cached = tmp_path / firmware.URL.rpartition("/")[2]
    cached.write_bytes(uf2())
    with pytest.raises(HostError, match="not what was downloaded"):
        firmware.find()
