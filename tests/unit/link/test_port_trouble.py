"""A port that cannot be opened is told in words, with what to do."""

from __future__ import annotations

import errno

import pytest
import serial

from bmsrescue.link.port_trouble import port_error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (serial.SerialException(2, "could not open port /dev/p: [Errno 2] No such file: '/dev/p'"), "There is no port"),
        (OSError("[Errno 2] could not open port /dev/p"), "There is no port /dev/p"),  # as mpremote passes it on
        (
            serial.SerialException("Could not configure port: (25, 'Inappropriate ioctl for device')"),
            "is no serial port",
        ),
        (serial.SerialException(13, "could not open port /dev/p: [Errno 13] Permission denied"), "the group dialout"),
        (serial.SerialException("Could not exclusively lock port /dev/p: [Errno 11]"), "another program has /dev/p"),
        (OSError("failed to access /dev/p"), "There is no port /dev/p"),
    ],
)
def test_the_sentence_names_what_is_wrong(error: Exception, said: str) -> None:
    found = port_error("/dev/p", error)
    assert found.kind == "port"
    assert said.lower() in found.sentence().lower()
    assert found.next_step


def test_what_is_not_known_is_told_as_it_came() -> None:
    assert "cannot open socket://h:1: odd" in port_error("socket://h:1", serial.SerialException("odd")).message


@pytest.mark.parametrize(
    ("reason", "said", "step"),
    [
        (
            f"[Errno {errno.ECONNREFUSED}] Connection refused",
            "nothing listens at socket://h:1",
            "check the port's number",
        ),
        ("timed out", "cannot open socket://h:1: timed out", "check the address and the network"),
        ("[Errno -2] Name or service not known", "h:1: [Errno -2] Name", "check the address and the network"),
    ],
)
def test_a_helper_at_a_socket_has_an_address_and_no_cable(reason: str, said: str, step: str) -> None:
    found = port_error("socket://h:1", serial.SerialException(f"Could not open port socket://h:1: {reason}"))
    assert said in found.message
    assert found.next_step is not None and step in found.next_step
