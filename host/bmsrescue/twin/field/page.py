"""docs/field.md, from a campaign."""

from __future__ import annotations

from collections import Counter

from .campaign import Tally
from .judge import NOT_RUN, RIGHT, WEAK, WRONG_KINDS

_MEANING = {
    RIGHT: "the outcome is one that is right for the unit, and the cause is true of it, or honestly one of several",
    WEAK: "true and safe, but not the best that could have been said or done: a refusal where the job allows the cure, "
    "or a word that leaves more open than the evidence does",
    NOT_RUN: "damaged firmware writes to registers without end, and the twin would need hours to watch it",
    "hang": "the run did not end by itself within 15 minutes of virtual time, or crashed, or left no record",
    "unsafe end": "the unit's supply was left on, or its rails stayed up",
    "own data lost": "a word of the bootloader, of calibration or history, or of a sector that the job does not own is "
    "not what it was, and no consent covers it",
    "wrong bytes called good": "RECOVERED, and a byte of the image is not in flash or cannot be read; or a backup that "
    "holds other bytes than the unit had",
    "false green": "RECOVERED, RECOVERED_CHECK_CONFIG or NO_FAULT_FOUND, and the unit by itself, power on and hands "
    "off, does not blink, shows no fresh values or is reset; or 'healthy' with another image in flash",
    "worse than before": "the unit ran before and does not now, and the outcome does not ask for another press",
    "overwritten without leave": "somebody's own firmware ran, the job neither knew it nor consented, and it was "
    "replaced",
    "false scrap": "NOT_FIRMWARE or UNSAFE, and no hardware of the unit is at fault: a wire, the helper, the card or "
    "the flash's contents are",
    "tool error": "TOOL_ERROR, and neither card nor helper has a fault",
    "wrong outcome": "any other outcome that is neither right nor weak for the unit",
    "wrong cause": "the outcome is right, the cause named is not true of the unit",
}

_INTRODUCTION = """# Units nobody wrote

A generator makes units (`host/bmsrescue/twin/field/`): a seed draws a board that is in order and yet differs from
ours in ordinary ways, what happened to its flash, none to three things that are wrong, and the card that somebody
brings. The agent runs on real MicroPython; a unit whose run may be gone on with gets the wire, the card or the
supply mended and a second press. One is replayed, with what was in it, by `bmsrescue twin run --unit SEED`; many
run with `make field UNITS=5000 FIRST=0`.

The truth never comes from the agent's rules. What is in the flash is compared cell by cell. Whether a unit runs is
seen as a person sees it: its supply is switched on by itself, before and after, and its run LED, its display and
its reset line are watched (`physics.py`). What may be said of each fault stands in `truth.py`, fault by fault: the
outcomes that are right for it, those that are weak, the causes that are true.

What is drawn: four parts (STM32H7B0, H730, H725, H743); core supply from LDO, step-down or both; crystal good, slow
or dead; a latch that remembers or one that the firmware holds; reset supervisors of 100 to 600 ms, NRST capacitors
of 10 nF to 1 uF, watchdog chips; pulls, a translator and weak chip pulls on SWD; helpers without some rails, with
an ADC zero of up to 19 LSB, with pull-downs that latch; bootloaders with their flag, applications elsewhere than at
0x08000000, images of two segments and odd lengths, sealed with their own CRC-32 or not; own, older, newer, sister
and unknown firmware, updates cut at any instant, torn, weak and flipped words, firmware that crashes, sleeps or
selects another core supply; shorts, dead and low rails, back-feeding, dips; option bytes and protection of each
kind; wires that are exchanged, open, noisy, ringing or loose, sense wires and dividers that lie; cards that are
pulled or dead or hold a flipped bit, a helper that loses its own supply.

A unit that was treated wrongly, and whose kind was mended since, is run again: the table has the newest run of each
seed, and `tests/support/mended_field_seeds.py` what had been wrong.
"""


def page(tally: Tally, first: int) -> str:
    """The page, with the campaign's figures."""
    rows = ["| verdict | units | share | first seeds |", "|---|---:|---:|---|"]
    for kind in (RIGHT, WEAK, NOT_RUN, *WRONG_KINDS):
        count = tally.kinds[kind]
        seeds = "" if kind == RIGHT else ", ".join(str(seed) for seed in sorted(tally.seeds.get(kind, ()))[:8])
        rows.append(f"| {kind} | {count} | {100 * count / max(tally.units, 1):.2f} % | {seeds} |")
    commits = ", ".join(
        name if count == tally.units else f"{name} ({count:,})" for name, count in tally.commits.most_common()
    )
    outcomes = ", ".join(f"{name or 'none'} {count}" for name, count in tally.outcomes.most_common())
    first_wrong = Counter(tally.mended.values())
    mended = ", ".join(f"{kind} {count}" for kind, count in first_wrong.most_common())
    seeds_mended = ", ".join(map(str, sorted(tally.mended)))
    meanings = "\n".join(f"- **{kind}**: {words}." for kind, words in _MEANING.items())
    return (
        f"{_INTRODUCTION}\n## What a campaign found\n\n"
        f"{tally.units:,} units, seeds {first} to {first + tally.units - 1}, at commit {commits}; "
        f"{tally.second_presses:,} had a second press.\n\n"
        + "\n".join(rows)
        + (
            f"\n\nWhen they were first run, {len(tally.mended)} of these went wrong ({mended}). What was wrong in the "
            f"agent, or in the judge, was mended, and they were run again: {seeds_mended}."
            if tally.mended
            else ""
        )
        + "\n\nThe cause that was said is true of the unit, or a true one is among those that it is said it could be, "
        f"in {tally.named:,} units, {100 * tally.named_share:.2f} % (asked for: 97 %).\n\n"
        f"Last outcomes: {outcomes}.\n\n"
        f"{tally.cpu_s / max(tally.units, 1):.2f} s of processor time a unit.\n\n"
        f"## What the verdicts mean\n\nThe first that fits, from the fourth on, is a unit's verdict; what is not wrong "
        f"is right or weak.\n\n{meanings}\n"
    )
