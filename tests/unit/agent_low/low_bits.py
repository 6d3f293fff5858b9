"""A line that plays back prepared answers and writes down everything the wire sends."""

from bmsrescue.agent.files import make_importable

make_importable()

OK, WAIT, FAULT, NOBODY, STUCK_LOW = 1, 2, 4, 7, 0


class ScriptedBits:
    """`bits` for SwdWire. `answers` is used up from its front, a bit per clock listened to; then the line floats."""

    def __init__(self, answers: list[int] | None = None) -> None:
        self.answers = answers if answers is not None else []
        self.sent: list[tuple[int, int]] = []
        self.cycles = 0
        self.log: list[str] = []

    def engage(self) -> None:
        self.log.append("engage")

    def release(self) -> None:
        self.log.append("release")

    def set_frequency(self, hz: int) -> int:
        return min(hz, 4_000_000)

    def clock_out(self, value: int, count: int) -> None:
        assert 0 <= value < 1 << count
        self.cycles += count
        self.sent.append((value, count))

    def clock_in(self, count: int) -> int:
        self.cycles += count
        value = 0
        for index in range(count):
            value |= (self.answers.pop(0) if self.answers else 1) << index
        return value

    def sent_bits(self) -> list[int]:
        """Every bit that was driven, in order."""
        return [value >> index & 1 for value, count in self.sent for index in range(count)]


def bits_of(value: int, count: int) -> list[int]:
    return [value >> index & 1 for index in range(count)]


def read_answer(data: int, ack: int = OK, parity: int | None = None) -> list[int]:
    """What a chip drives for a read: turnaround, ACK, and after OK data, parity, turnaround."""
    answer = [1, *bits_of(ack, 3)]
    if ack == OK:
        parity = data.bit_count() & 1 if parity is None else parity
        answer += [*bits_of(data, 32), parity]
    return [*answer, 1]


def write_answer(ack: int = OK) -> list[int]:
    """What a chip drives for a write: turnaround, ACK, turnaround."""
    return [1, *bits_of(ack, 3), 1]
