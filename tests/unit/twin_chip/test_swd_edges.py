"""remote_bitbang's edges are the same line as whole cycles."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.swd.edges import SwdEdges
from swd_host import SwdHost, connected, make_chip


class Bitbanged:
    """SwdPins made of remote_bitbang characters, in feeds of any size."""

    def __init__(self, edges, sizes=(1000,)):
        self.edges = edges
        self.sizes = list(sizes)
        self.turn = 0
        self.frequency_hz = 1_000_000
        self.driving = True

    def send(self, text):
        answers = b""
        while text:
            size = self.sizes[self.turn % len(self.sizes)]
            self.turn += 1
            answers += self.edges.feed(text[:size].encode())
            text = text[size:]
        return answers

    def clock_out(self, value, count):
        self.send("O" + "".join("eg" if value >> bit & 1 else "df" for bit in range(count)))

    def clock_in(self, count):
        answers = self.send("o" + "dcf" * count)
        return sum((answer - ord("0")) << bit for bit, answer in enumerate(answers))


def work(pins):
    host = SwdHost(pins)
    seen = [host.connect()]
    host.write32(0x20000000, 0xA5A5F00F)
    seen += [host.read32(0x20000000), host.read32(0x5C001000), host.read32(0x08000000)]
    host.write(1, 0x4, 0xA0000000)
    host.read(1, 0xC)
    seen += [host.try_read(1, 0xC)[0], host.recover()]
    return seen


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_a_bitbanged_session_sees_the_same_chip(sizes):
    whole, edged = make_chip(), make_chip()
    assert work(Bitbanged(SwdEdges(edged.swd), sizes)) == work(whole.swd)
    assert edged.counters.as_dict() == whole.counters.as_dict()
    assert edged.clock.now_ns == whole.clock.now_ns


def test_one_edge_at_a_time_is_the_same_as_a_feed():
    chip = make_chip()
    edges = SwdEdges(chip.swd)

    class Edges:
        frequency_hz = 1_000_000

        def clock_out(self, value, count):
            edges.drive(True)
            for bit in range(count):
                edges.swdio(value >> bit & 1)
                edges.swclk(0)
                edges.swclk(1)

        def clock_in(self, count):
            edges.drive(False)
            value = 0
            for bit in range(count):
                edges.swclk(0)
                value |= edges.sample() << bit
                edges.swclk(1)
            return value

    assert work(Edges()) == work(make_chip().swd)


def test_a_sample_without_a_following_edge_shows_the_line_as_it_is():
    chip, host = connected()
    edges = SwdEdges(chip.swd)
    assert edges.feed(b"oc") == b"1"
    assert edges.feed(b"Oec") == b"1"
    assert edges.feed(b"dc") == b"0"
    host.idle()


def test_a_clock_that_does_not_rise_is_no_cycle():
    chip = make_chip()
    before = chip.counters.swclk_cycles
    SwdEdges(chip.swd).feed(b"Odefggfded")
    assert chip.counters.swclk_cycles - before == 1
