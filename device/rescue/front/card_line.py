# What the idle screen says of the card: the job's name and its image's version, or that there is none. A look of some
# hundred milliseconds, and the card is let go again; whether the job holds is for the run to say.

import json

from rescuelink.errors import CardError

_MOST = 8192  # a job.json that is larger is not read for its name
_LONGEST = 64  # of a name (rescuelink.job); a card of anybody's may have any there


def read(ports):
    """A line, or the key of one."""
    if "card" in ports.missing:
        return "idle.ready"
    try:
        ports.card.mount()
    except CardError as error:
        return "idle.no-card" if error.kind == "no_card" else error.next_step or error.message
    try:
        with open(ports.card.root + "/job.json") as file:
            text = file.read(_MOST)
        name = json.loads(text)["name"]
        return name[:_LONGEST] if isinstance(name, str) else "idle.ready"
    except (OSError, MemoryError):
        return "idle.no-job"
    except (ValueError, KeyError, AttributeError, TypeError):
        return "idle.ready"
    finally:
        ports.card.unmount()
