"""The link's MessagePack subset says what the `msgpack` package says, in both directions."""

import math

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rescuelink.codec import pack_into, unpack_from
from rescuelink.errors import LinkError

patient = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a loaded machine is slow at inventing

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=70_000)
)
values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8) | st.integers(0, 99), inner, max_size=20)
    ),
    max_leaves=25,
)


def packed(value: object, size: int = 1 << 20) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: pack_into(buffer, 0, value)])


def plain(value: object) -> object:
    """Binary views as bytes, so that values compare."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@patient
@given(values)
def test_what_the_agent_packs_msgpack_reads(value):
    assert msgpack.unpackb(packed(value), strict_map_key=False) == value


@patient
@given(values)
def test_what_msgpack_packs_the_agent_reads(value):
    assert plain(unpack_from(memoryview(msgpack.packb(value)))) == value


@patient
@given(values)
def test_both_choose_the_same_shortest_bytes(value):
    assert packed(value) == msgpack.packb(value)


def test_single_precision_floats_from_other_clients_are_read():
    got = unpack_from(memoryview(msgpack.packb(1.5, use_single_float=True)))
    assert got == 1.5
    assert math.isnan(unpack_from(memoryview(msgpack.packb(math.nan))))


@patient
@given(st.binary(max_size=200))
def test_noise_is_refused_as_malformed_or_is_a_value_msgpack_agrees_on(noise):
    try:
        value = unpack_from(memoryview(noise))
    except LinkError as error:
        assert error.kind == "malformed"
    else:
        assert repr(plain(value)) == repr(msgpack.unpackb(noise, strict_map_key=False))


@patient
@given(values, st.integers(0, 60))
def test_a_message_too_large_for_the_buffer_is_refused_and_the_buffer_keeps_its_size(value, size):
    whole = packed(value)
    buffer = bytearray(size)
    if len(whole) <= size:
        assert pack_into(buffer, 0, value) == len(whole)
    else:
        with pytest.raises(LinkError) as caught:
            pack_into(buffer, 0, value)
        assert caught.value.kind == "too_large"
    assert len(buffer) == size


def test_extension_types_and_deep_nesting_are_refused():
    for bad in (msgpack.packb(msgpack.ExtType(5, b"x")), b"\x91" * 400, b"\xdf\xff\xff\xff\xff"):
        with pytest.raises(LinkError):
            unpack_from(memoryview(bad))
    deep: list = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(LinkError):
        packed(deep)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, object(), {1, 2}])
def test_what_no_message_can_hold_is_refused(value):
    with pytest.raises(LinkError):
        packed(value)
