"""Host and helper take and refuse the same cards, in the same words: `card check` against the agent on MicroPython."""

from __future__ import annotations

import importlib.util
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.card.check import check_card
from bmsrescue.card.fat import make_image, read_files
from bmsrescue.cli.output import error_sentence
from bmsrescue.errors import HostError
from bmsrescue.twin.helper.process import find_interpreter
from card_cases import card

CARDS = 1000
VOLUME_BYTES = 256 << 10
SCRIPTS = Path(__file__).parent / "scripts"


def _in_words() -> Any:
    # The same file that MicroPython imports.
    spec = importlib.util.spec_from_file_location("job_in_words", SCRIPTS / "job_in_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.in_words


IN_WORDS = _in_words()
NO_JOB = "looks without a job"


def said_by_the_helper(volumes: list[bytes], folder: Path) -> list[str]:
    """The agent's verdict on each, from one process."""
    cards = folder / "cards"
    with cards.open("wb") as file:
        for volume in volumes:
            file.write(len(volume).to_bytes(4, "little") + volume)
    path = [str(SCRIPTS), str(device_dir()), str(shared_dir())]
    command = [find_interpreter(), "-X", "heapsize=8M", SCRIPTS / "check_cards.py", *path]
    with cards.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=280)
    lines = [bytes.fromhex(line).decode() for line in done.stdout.split()]
    assert len(lines) == len(volumes), f"card {len(lines)}: {done.stdout[-200:]} {done.stderr}"
    return lines


def said_by_the_host(volume: bytes) -> str:
    try:
        return "good " + IN_WORDS(check_card(read_files(bytearray(volume))))
    except HostError as error:
        return error_sentence(error.message, error.next_step)


def test_a_thousand_cards_are_taken_or_refused_alike(tmp_path: Path) -> None:
    volumes = [bytes(make_image(card(seed), VOLUME_BYTES)) for seed in range(CARDS)]
    helper = said_by_the_helper(volumes, tmp_path)
    for seed, (volume, theirs) in enumerate(zip(volumes, helper, strict=True)):
        ours = said_by_the_host(volume)
        if theirs == NO_JOB:  # the dongle looks at the unit then; a card that was to be checked lacks something
            assert "job.json is missing" in ours, (seed, ours)
            continue
        assert (seed, ours) == (seed, theirs)
    good = sum(line.startswith("good ") for line in helper)
    kinds = Counter(line.partition(":")[2].partition(" is ")[0] for line in helper if not line.startswith("good "))
    assert CARDS // 8 < good < CARDS * 7 // 8
    assert len(kinds) > 60, kinds
