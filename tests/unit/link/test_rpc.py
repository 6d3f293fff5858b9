"""The three shapes of a message, and nothing else, are taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from rescuelink import rpc
from rescuelink.codec import as_message
from rescuelink.errors import LinkError


@pytest.mark.parametrize(
    "message",
    [
        [rpc.REQUEST, 1, "rails.read", []],
        [rpc.RESPONSE, 1, None, {"a": 1}],
        [rpc.RESPONSE, 1, {"kind": "busy"}, None],
        [rpc.NOTIFICATION, "beat", None],
    ],
)
def test_a_message_is_known_by_its_shape(message: list[Any]) -> None:
    assert as_message(message) is message


@pytest.mark.parametrize(
    "other",
    [
        None,
        5,
        [],
        {},
        "text",
        [9, 1, "a", []],
        [rpc.REQUEST, 1, "rails.read"],
        [rpc.REQUEST, None, "rails.read", []],
        [rpc.REQUEST, {}, "rails.read", []],
        [rpc.REQUEST, 1, 7, []],
        [rpc.REQUEST, 1, "rails.read", {}],
        [rpc.RESPONSE, 1, "went wrong", None],
        [rpc.RESPONSE, [], None, None],
        [rpc.NOTIFICATION, 5, None],
        [rpc.NOTIFICATION, "beat"],
    ],
)
def test_anything_else_is_refused(other: object) -> None:
    with pytest.raises(LinkError):
        as_message(other)


def test_a_lost_host_is_noticed_in_less_than_two_seconds_but_not_before_a_beat_can_come() -> None:
    assert rpc.HOST_LOST_MS + rpc.LAST_LOOK_MS < 2000
    assert rpc.HEARTBEAT_MS < rpc.LAST_LOOK_MS
    assert 3 * rpc.HEARTBEAT_MS < rpc.HOST_LOST_MS
