# What a person chooses at the dongle: language and sound. Kept in the helper's own flash, over what board.json says.

import json
import os

_NAME = "/face.json"
_LIMIT_MS = 60_000
_FOLDER_END = ".words"


def read(root, config):
    """{"language", "sound"}."""
    found = {"language": config.get("language", "en"), "sound": config.get("sound", True)}
    try:
        with open(root + _NAME) as file:
            kept = json.load(file)
        found.update({key: kept[key] for key in found if key in kept})
    except (OSError, ValueError, TypeError):
        pass  # none were made, or the file is damaged: board.json's
    return found


def write(root, chosen):
    """Raises OSError."""
    with open(root + _NAME, "w") as file:
        json.dump(chosen, file)


def languages():
    """Those whose catalogues are in flash."""
    from rescue.front import words

    try:
        found = sorted([name[: -len(_FOLDER_END)] for name in os.listdir(words.folder()) if name.endswith(_FOLDER_END)])
    except OSError:
        found = []
    return found or ["en"]


def show(app, waiting):
    """A long press changes what is marked, a short one goes on; the last entry is the way back."""
    at = 0
    while True:
        chosen = {"language": app.screen.language, "sound": app.sound}
        draw(app.screen, chosen, at)
        pressed = waiting.for_press(_LIMIT_MS)
        if pressed is None or (pressed == "long" and at == 2):
            return
        if pressed == "short":
            at = (at + 1) % 3
            continue
        if at == 0:
            known = languages()
            here = known.index(chosen["language"]) if chosen["language"] in known else -1
            chosen["language"] = app.screen.language = known[(here + 1) % len(known)]
        else:
            chosen["sound"] = app.sound = not app.sound
        try:
            write(app.ports.store.root, chosen)
        except OSError:
            pass  # until the next start, then


def draw(screen, chosen, at):
    """The three entries with number `at` marked."""
    from rescue.front import pages, words

    screen.clear()
    y = pages.title(screen, pages.said(screen, "menu.settings"))
    for number, key in enumerate(("set.language", "set.sound-on" if chosen["sound"] else "set.sound-off", "menu.back")):
        text = pages.said(screen, key)
        high = words.is_high(text)
        if number == at:
            screen.frame.fill_rect(0, y - (not high), 128, 16 if high else 10, 1)
        words.draw(screen.frame, text, 0, y, 0 if number == at else 1)
        y += 16
    screen.send()
