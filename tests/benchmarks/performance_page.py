"""The figures as rows with their targets, and docs/performance.md, whose table is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from megabyte import DIGEST_S_PER_MIB, ERASE_S, PROGRAM_S, Cost
from pages import put_between

FLASH_ALONE_S = ERASE_S + PROGRAM_S
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of the figures -->"


@dataclass(frozen=True)
class Peer:
    """One program's costs, None where it was not measured. `renewed`: erase, program and verify of a full part."""

    program: Cost | None
    verify: Cost | None
    renewed: Cost | None
    changed: Cost | None
    read: Cost | None


@dataclass(frozen=True)
class Figures:
    agent: Peer
    fast: Cost
    """The agent's `renewed` at 10 MHz."""
    steps: dict[str, Cost]
    """The steps of the agent's run on a full part at 4 MHz."""
    whole: Cost
    half_on_steps: dict[str, Cost]
    half_on: Cost
    """The same of a unit whose update was cut, with three of eight sectors in use."""
    openocd: Peer
    pyocd: Peer


@dataclass(frozen=True)
class Row:
    what: str
    agent: str
    openocd: str
    pyocd: str
    target: str
    met: bool | None
    """None: there is no target."""


def rows(figures: Figures) -> list[Row]:
    return [
        _cycles("erase + program a blank part, SWCLK per byte", figures, "program", 11.9),
        _cycles("verify, SWCLK per byte", figures, "verify", 0.02),
        _digest(figures),
        _seconds("erase + program + verify a full part, s", figures, figures.agent.renewed, "renewed", 1.10),
        _seconds("the same at 10 MHz, s", figures, figures.fast, None, 1.05),
        _changed(figures),
        _with_backup(figures),
        _cycles("read back, SWCLK per byte", figures, "read", 11.8),
    ]


def _cycles(what: str, figures: Figures, name: str, limit: float) -> Row:
    own, *peers = (_per_byte(getattr(peer, name)) for peer in (figures.agent, figures.openocd, figures.pyocd))
    cost = getattr(figures.agent, name)
    return Row(what, own, *peers, f"<= {limit:g}", cost is not None and cost.per_byte <= limit)


def _seconds(what: str, figures: Figures, cost: Cost | None, name: str | None, factor: float) -> Row:
    peers = [_virtual(getattr(peer, name) if name else None) for peer in (figures.openocd, figures.pyocd)]
    limit_s = factor * FLASH_ALONE_S
    own = f"{_virtual(cost)} ({cost.virtual_s / FLASH_ALONE_S:.2f}x)" if cost else "-"
    return Row(
        what, own, *peers, f"<= {limit_s:.1f} ({factor:.2f}x the flash)", bool(cost) and cost.virtual_s <= limit_s
    )


def _digest(figures: Figures) -> Row:
    # The whole image at once: what the step takes besides is some 5 ms.
    cost = figures.agent.verify
    met = cost is not None and cost.virtual_s <= DIGEST_S_PER_MIB
    peers = [_virtual(peer.verify) for peer in (figures.openocd, figures.pyocd)]
    return Row(
        "SHA-256 of 1 MiB on the target's core (peers: their verify), s",
        _virtual(cost),
        *peers,
        f"<= {DIGEST_S_PER_MIB:.1f}",
        met,
    )


def _changed(figures: Figures) -> Row:
    costs = [peer.changed for peer in (figures.agent, figures.openocd, figures.pyocd)]
    own, openocd, pyocd = costs
    limits = [part * peer.virtual_s for part, peer in ((0.12, openocd), (0.3, pyocd)) if peer is not None]
    met = own is not None and all(own.virtual_s <= limit for limit in limits)
    target = f"<= {min(limits):.2f}" if limits else "-"
    return Row("1 of 8 sectors changed: compare, renew, verify, s", *map(_virtual, costs), target, met)


def _with_backup(figures: Figures) -> Row:
    # What a careful person does with the peers: dump_image, program, verify; savemem, load. Theirs goes to a disk.
    steps = figures.steps
    own = sum((steps[name] for name in ("connect", "evidence", "map", "backup", "act")), steps["verify"])
    peers = [
        peer.read + peer.renewed if peer.read and peer.renewed else None for peer in (figures.openocd, figures.pyocd)
    ]
    return Row("backup, then erase + program + verify a full part, s", *map(_virtual, (own, *peers)), "-", None)


def _per_byte(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    return f"{cost.per_byte:.4f}" if cost.per_byte < 1 else f"{cost.per_byte:.2f}"


def _virtual(cost: Cost | None) -> str:
    return "-" if cost is None else f"{cost.virtual_s:.2f}"


def write_page(page: Path, figures: Figures) -> None:
    """Puts the figures between the page's marks; what is around them is written by hand."""
    put_between(page, BEGIN, END, _tables(figures))


def _tables(figures: Figures) -> str:
    lines = ["| measure | agent | OpenOCD 0.12 | pyOCD | target | |", "|---|---:|---:|---:|---:|---|"]
    for row in rows(figures):
        verdict = {True: "met", False: "missed", None: ""}[row.met]
        lines.append(f"| {row.what} | {row.agent} | {row.openocd} | {row.pyocd} | {row.target} | {verdict} |")
    head = "| step of the rescue | full part, s | SWCLK cycles | per byte | `half-on`, s | SWCLK cycles |"
    lines += ["", head, "|---|---:|---:|---:|---:|---:|"]
    whole = {"whole, with the record": (figures.whole, figures.half_on)}
    each = {name: (cost, figures.half_on_steps[name]) for name, cost in figures.steps.items()}
    for name, (full, half) in (each | whole).items():
        lines.append(
            f"| {name} | {full.virtual_s:.2f} | {full.swclk_cycles:,} | {_per_byte(full)} "
            f"| {half.virtual_s:.2f} | {half.swclk_cycles:,} |"
        )
    return "\n".join(lines) + "\n"
