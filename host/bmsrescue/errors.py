"""What a person can put right: one sentence, and what to do next. And a helper's errors, as they come from it."""

from collections.abc import Mapping

from rescuelink.errors import (
    CardError,
    ConsentError,
    FlashError,
    JobError,
    LinkError,
    PowerError,
    RescueError,
    TargetError,
    WireError,
)


class HostError(Exception):
    """Something the host cannot do, said in one sentence with the next step."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(HostError):
    """The command was given something that makes no sense: exit status 2."""


_LONGEST = 1000  # of what a helper says
_CLASSES = (RescueError, WireError, TargetError, FlashError, PowerError, CardError, JobError, ConsentError, LinkError)


def from_dict(data: Mapping[str, object]) -> RescueError:
    """The error that `to_dict` described; a class this version does not know becomes a plain RescueError."""
    chosen: type[RescueError] = RescueError
    for known in _CLASSES:
        if known.__name__ == data.get("error"):
            chosen = known
    address = data.get("address")
    phase = data.get("phase")
    next_step = data.get("next_step")
    error = chosen(
        str(data.get("kind", "unknown"))[:_LONGEST],
        str(data.get("message", ""))[:_LONGEST],
        address if isinstance(address, int) else None,
        phase[:_LONGEST] if isinstance(phase, str) else None,
        next_step[:_LONGEST] if isinstance(next_step, str) else None,
    )
    done = data.get("done")
    if isinstance(error, WireError) and isinstance(done, int):
        error.done = done
    return error
