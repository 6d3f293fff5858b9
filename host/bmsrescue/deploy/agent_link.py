"""The agent on the board, spoken to over its own link: asked to leave before a deployment, greeted after it."""

import time
from typing import Any

from bmsrescue.link.client import LinkClient
from rescuelink.errors import LinkError

_CLIENT = "bmsrescue-deploy"
_HELLO_S = 1.5
_START_S = 20.0  # an agent that is brought as source is compiled by the board at every start
_LEAVE_S = 5.0
_AGAIN_S = 0.5
# Nobody speaks the link there, or another release does: an open prompt and a waiting agent both take Ctrl-C.
_CTRL_C_WILL_DO = ("timeout", "version")


def leave_agent(url: str, patience: float = 1.0) -> bool:
    """Ask an agent on `url` to make the unit safe and leave for the prompt. False when none answers.

    `patience`: how many times as long as usual to wait, here and in `greet`.

    Raises:
        LinkError: the port cannot be opened, or the helper is at work (busy).
    """
    try:
        with LinkClient(url) as link:
            link.hello(_CLIENT, timeout_s=_HELLO_S * patience)
            link.call("helper.repl", timeout_s=_LEAVE_S * patience)
            return True
    except LinkError as error:
        if error.kind in _CTRL_C_WILL_DO:
            return False
        raise


def greet(url: str, patience: float = 1.0) -> dict[str, Any]:
    """What the freshly started agent says of itself.

    Raises:
        LinkError: kind "no_agent": it does not answer in time.
    """
    deadline = time.monotonic() + _START_S * patience
    while True:
        try:
            with LinkClient(url) as link:
                return link.hello(_CLIENT, timeout_s=_HELLO_S * patience)
        except LinkError as error:
            if time.monotonic() > deadline or error.kind not in ("timeout", "port", "lost"):
                raise LinkError(
                    "no_agent",
                    f"the agent is on the helper, but does not answer: {error.message}",
                    next_step=f"see what it prints: mpremote connect {url} repl",
                ) from error
        time.sleep(_AGAIN_S)
