"""What a person can put right: one sentence, and what to do next."""


class HostError(Exception):
    """Something the host cannot do, said in one sentence with the next step."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(HostError):
    """The command was given something that makes no sense: exit status 2."""
