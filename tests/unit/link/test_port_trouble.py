"""A port that cannot be opened is told in words, with what to do."""

from __future__ import annotations

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
