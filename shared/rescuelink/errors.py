# The errors of bmsrescue: one small tree, the same on the helper, over the link, in the record and on the terminal.
#
# An error carries facts (a kind, an address, the phase of the job); the sentence a person reads is built when shown.
# Drivers raise with what they know; the engine adds the phase and, where the driver left it open, the next step.


def sentence_case(text: str) -> str:
    """`text` with a capital letter in front, unless it begins with a name (of a file, a rail, a key), which stays."""
    word = text.split(" ")[0].rstrip(",:")
    return text[:1].upper() + text[1:] if word.isalpha() else text


class RescueError(Exception):
    """What went wrong, as facts.

    kind: a short stable word that programs and tests compare, e.g. "no_ack".
    message: what happened, without address, phase or advice.
    address: the target address concerned, or None.
    phase: the step of the job, added by the engine.
    next_step: what a person can do now.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        address: int | None = None,
        phase: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.address = address
        self.phase = phase
        self.next_step = next_step

    def sentence(self) -> str:
        """One line for a person: what happened, where, when, and what to do."""
        text = self.what()
        if self.next_step:
            text += " " + sentence_case(self.next_step) + "."
        return text

    def what(self) -> str:
        """The sentence without what to do."""
        text = self.message
        if self.address is not None:
            text += " at 0x%08X" % self.address
        if self.phase:
            text = self.phase + ": " + text
        return sentence_case(text) + "."

    def __str__(self) -> str:
        return self.sentence()

    def to_dict(self) -> dict[str, str | int | None]:
        """The error as plain JSON types, for the record and the link; the host makes it an error again."""
        return {
            "error": self.__class__.__name__,
            "kind": self.kind,
            "message": self.message,
            "address": self.address,
            "phase": self.phase,
            "next_step": self.next_step,
        }


class WireError(RescueError):
    """The SWD line. Kinds: "no_ack", "wait", "fault", "parity", "protocol".

    done: in a block, how many words are surely transferred; word number `done` is the one in question.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        address: int | None = None,
        phase: str | None = None,
        next_step: str | None = None,
        done: int = 0,
    ) -> None:
        super().__init__(kind, message, address, phase, next_step)
        self.done = done


class TargetError(RescueError):
    """The chip answers, but not as it should: wrong identity, a core that will not halt, a time limit."""


class FlashError(RescueError):
    """The flash controller refused or failed an operation, or flash is not in the state the operation needs."""


class PowerError(RescueError):
    """A rail out of its limits, a trip, or power that cannot be proven gone."""


class CardError(RescueError):
    """The memory card: missing, unreadable, full, or not returning what was written."""


class JobError(RescueError):
    """The job or one of its images cannot be used as it is."""


class ConsentError(RescueError):
    """A destructive act without the permission for it."""


class LinkError(RescueError):
    """The link between host and helper: a frame, a message or a method call that is not what it should be."""


class Stopped(Exception):
    """Work was stopped from outside: cancelled by the host, or the host has gone.

    Not a RescueError, so that nothing which repeats a transfer or falls back to another way takes it for a fault of
    the unit and swallows it. kind: "cancelled" or "host_lost".
    """

    def __init__(self, kind: str, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.next_step = next_step
