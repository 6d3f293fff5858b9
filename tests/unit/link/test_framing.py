"""Frames survive whatever else is on the line; damage costs the frame it hits and no other."""

from hypothesis import given
from hypothesis import strategies as st

from bmsrescue.link.frames import FrameReader, frame
from rescuelink.framing import SYNC
from rescuelink.rpc import MAX_BODY_BYTES

bodies = st.binary(max_size=600)
# Text as a REPL prints it cannot hold the sync bytes; noise can, and is tested on its own.
repl_text = st.text(max_size=80).map(lambda text: text.encode())


def read_all(stream: bytes, chunk: int = 4096, silence_after: bool = False) -> tuple[list[bytes], FrameReader]:
    reader = FrameReader()
    found: list[bytes] = []

    def drain() -> None:
        while (body := reader.next()) is not None:
            found.append(bytes(body))

    while stream:
        taken = reader.feed(stream[:chunk])
        stream = stream[taken:]
        drain()
    while silence_after and reader.pending():
        reader.give_up()
        drain()
    return found, reader


@given(st.lists(st.tuples(repl_text, bodies), max_size=12), st.integers(1, 700))
def test_frames_between_repl_text_all_arrive_in_any_chopping(parts, chunk):
    stream = b"".join(text + frame(body) for text, body in parts)
    found, reader = read_all(stream, chunk)
    assert found == [body for _, body in parts]
    assert reader.bad_frames == 0


@given(st.lists(bodies, min_size=1, max_size=8), st.data())
def test_a_damaged_byte_costs_at_most_the_frame_it_hits(sent, data):
    hit = data.draw(st.integers(0, len(sent) - 1))
    frames = [bytearray(frame(body)) for body in sent]
    at = data.draw(st.integers(0, len(frames[hit]) - 1))
    frames[hit][at] ^= data.draw(st.integers(1, 255))
    found, _ = read_all(b"".join(frames), silence_after=True)
    assert found == sent[:hit] + sent[hit + 1 :]


@given(st.lists(bodies, min_size=2, max_size=6), st.data())
def test_a_truncated_frame_costs_itself_only(sent, data):
    hit = data.draw(st.integers(0, len(sent) - 1))
    whole = frame(sent[hit])
    kept = data.draw(st.integers(0, len(whole) - 1))
    stream = b"".join(whole[:kept] if index == hit else frame(body) for index, body in enumerate(sent))
    found, _ = read_all(stream, silence_after=True)
    assert found == sent[:hit] + sent[hit + 1 :]


@given(st.binary(max_size=2000), bodies)
def test_a_frame_after_any_noise_arrives_once_the_line_falls_silent(noise, body):
    found, _ = read_all(noise + SYNC[:1] + frame(body), silence_after=True)
    assert found[-1] == body


def test_a_length_beyond_the_largest_frame_is_no_frame():
    length = MAX_BODY_BYTES + 1
    head = SYNC + bytes([length & 0xFF, length >> 8, (length & 0xFF) ^ (length >> 8) ^ 0x5A])
    found, reader = read_all(head + frame(b"after"))
    assert found == [b"after"]
    assert reader.bad_frames == 1


def test_the_largest_frame_fits():
    body = bytes(MAX_BODY_BYTES)
    assert read_all(frame(body) + frame(b"x"))[0] == [body, b"x"]
