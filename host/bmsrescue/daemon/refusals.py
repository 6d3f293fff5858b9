"""What a refusal of the API looks like, for its OpenAPI document: the link's own errors, as JSON."""

from typing import Any

from pydantic import BaseModel


class RefusedBecause(BaseModel):
    """`kind` is a short word that stays the same; `message` and `next_step` are for a person."""

    error: str
    kind: str
    message: str
    address: int | None = None
    phase: str | None = None
    next_step: str | None = None


class Refusal(BaseModel):
    """The body of every answer that is no success."""

    error: RefusedBecause


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refusal, "description": "Refused: what was asked, the unit, the card or the job is at fault."},
    503: {"model": Refusal, "description": "The helper is not there, or has just been lost."},
    507: {"model": Refusal, "description": "This machine's disk does not take what has to be kept."},
}
