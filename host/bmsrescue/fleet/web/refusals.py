"""What answers look like that are no JSON, and those that are no success, for the fleet's OpenAPI document."""

from typing import Any

from pydantic import BaseModel

Responses = dict[int | str, dict[str, Any]]


class RefusedBecause(BaseModel):
    """`kind` is a short word that stays the same; `message` and `next_step` are for a person."""

    kind: str
    message: str
    next_step: str


# Written out: FastAPI would give a model here the media type of the operation's success.
_REFUSAL = {
    "application/json": {
        "schema": {"type": "object", "required": ["error"], "properties": {"error": RefusedBecause.model_json_schema()}}
    }
}
RESPONSES: Responses = {
    "4XX": {"content": _REFUSAL, "description": "Refused: not allowed, not known, not possible now, or wrong."},
    503: {"content": _REFUSAL, "description": "The store where it is decided cannot be reached just now."},
}


def a_file(media_type: str) -> Responses:
    """For an operation whose success is no JSON."""
    return {200: {"content": {media_type: {}}, "description": "The file."}}
