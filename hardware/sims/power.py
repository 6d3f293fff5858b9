"""Current: what limits it and what cuts it, with no program running; and how fast a unit is off again."""

from __future__ import annotations

from hardware.bench import helper, limited_supply, load, supply, unit
from hardware.sims import Finding, simulation
from hardware.spice import Deck, operating_point, transient
from hardware.stages import design

_STAGE = "card-and-display"
_FARAD = 470e-6  # docs/reference/unit.md#inrush
_BPLUS_TRIP_S = 8.4  # the helper's own watchdog, which resets its pins
_ALERT_S = 154e-6  # a conversion of the INA226 (SBOS547)


def _on(at: str = "1m") -> str:
    return f"PULSE(0 3.3 {at} 1u 1u 10 20)"


@simulation(
    "short-bplus", "A short of B+ is limited in microseconds, by parts alone; ALERT, polyfuse and watchdog end it."
)
def short_bplus() -> list[Finding]:
    netlist = design(_STAGE)
    found = []
    for name, source in (("18 V, stiff", supply(18)), ("18 V, 150 mA", limited_supply(18, 0.15))):
        deck = Deck(
            netlist,
            [
                *source,
                *helper(netlist, "reset", power="3.3"),
                *unit(netlist, True),
                *load(150),
                "Sshort u_bplus 0 tell 0 SHORT",
                ".model SHORT SW(RON=0.05 ROFF=1g VT=0.5 VH=0.1)",
                "Vtell tell 0 PULSE(0 1 5m 1u 1u 1 2)",
            ],
        )
        seen = transient(
            deck,
            "50u",
            "60m",
            {
                "peak": "max v(limited,source)",
                "limited": "when v(limited,source)=0.9 fall=last from=5m",
                "steady": "find v(limited,source) at=59m",
                "drop": "find v(source,u_bplus) at=59m",
            },
        )
        ampere = seen["steady"] / 1.5
        if "stiff" in name:
            found.append(Finding(f"{name}: limited after", 1e6 * (seen["limited"] - 5e-3), "us", 0, 200))
            found.append(Finding(f"{name}: then a steady current", 1e3 * ampere, "mA", 300, 600))
            watt = ampere * seen["drop"]
            found.append(Finding(f"{name}: the switch takes", watt, "W", 0, 10))
            found.append(
                Finding("until the watchdog, with no program: energy in the switch", watt * _BPLUS_TRIP_S, "J", 0, 80)
            )
            found.append(
                Finding("until ALERT, once it is armed: energy in the switch", 1e3 * watt * _ALERT_S, "mJ", 0, 5)
            )
            found.append(Finding("above what the polyfuse holds (0.2 A): it trips", 1e3 * ampere, "mA", 250))
        else:
            found.append(Finding(f"{name}: a steady current", 1e3 * ampere, "mA", 100, 160))
    return found


@simulation(
    "short-behind-converters",
    "A short of 12 V or 3.3 V is seen at B+ as the current that its converter takes, and is limited there.",
)
def short_rails() -> list[Finding]:
    netlist = design(_STAGE)
    found = []
    # A converter of 80 % that gives 1.5 A at most into the short, and stops below 8 V.
    for rail, ohm, ampere in (("12 V", 0.33, 1.5), ("3.3 V", 0.5, 2.0)):
        watt = ohm * ampere**2 / 0.8
        deck = Deck(
            netlist,
            [
                *supply(18),
                *helper(netlist, "reset", power="3.3"),
                *unit(netlist, True),
                *load(300),
                f"Bconv u_bplus 0 I=V(u_bplus)>8 ? {watt:g}/max(8,V(u_bplus)) : 0",
            ],
        )
        seen = operating_point(deck, "v(limited,source)/1.5", "v(u_bplus)")
        found.append(Finding(f"{rail} shorted: current in B+", 1e3 * seen["v(limited,source)/1.5"], "mA", 60, 500))
    deck = Deck(netlist, [*supply(18), *helper(netlist, "reset", power="3.3"), *unit(netlist, True), *load(18)])
    seen = operating_point(deck, "v(limited,source)/1.5")
    found.append(
        Finding("a converter that would take 1 A: current in B+", 1e3 * seen["v(limited,source)/1.5"], "mA", 300, 600)
    )
    return found


@simulation("inrush", "470 uF in the unit are filled within 150 ms, without the fuse or the switch coming to harm.")
def inrush() -> list[Finding]:
    netlist = design(_STAGE)
    found = []
    for name, source in (
        ("18 V, stiff", supply(18)),
        ("18 V, 150 mA", limited_supply(18, 0.15)),
        ("24 V, stiff", supply(24)),
    ):
        deck = Deck(
            netlist,
            [*source, *helper(netlist, "reset", power=_on()), *unit(netlist, True), *load(600, _FARAD)],
        )
        volt = name.partition(" ")[0]
        seen = transient(
            deck,
            "500u",
            "200m",
            {
                "peak": "max v(limited,source)",
                "rms": "rms v(limited,source) from=1m to=101m",
                "up": f"when v(u_bplus)={0.9 * float(volt):g} rise=1",
                "end": "find v(u_bplus) at=199m",
            },
        )
        fuse = (seen["rms"] / 1.5) ** 2 * 0.1
        found.append(Finding(f"{name}: highest current", seen["peak"] / 1.5, "A", 0, 1.5))
        found.append(Finding(f"{name}: up after", 1e3 * (seen["up"] - 1e-3), "ms", 1, 150))
        found.append(Finding(f"{name}: what the fuse sees (it takes 0.3 A2s)", fuse, "A2s", 0, 0.15))
    return found


@simulation(
    "discharge", "A unit that is switched off is below the limits of off within ten seconds, with no load of its own."
)
def discharge() -> list[Finding]:
    netlist = design(_STAGE)
    found = []
    for what, net, farad, volt, limit, high in (
        ("B+, 470 uF from 24 V to 1 V", "u_bplus", _FARAD, 24.0, 1.0, 8.0),
        ("12 V, 470 uF from 12 V to 1 V", "u_12v", _FARAD, 12.0, 1.0, 8.0),
        ("3.3 V, 220 uF to 0.3 V", "u_3v3", 220e-6, 3.3, 0.3, 2.0),
        ("VCAP, 10 uF from 1.2 V to 0.3 V", "u_vcap", 10e-6, 1.2, 0.3, 2.0),
    ):
        around = [line for line in unit(netlist, False) if not line.startswith(("R12v", "Rvcap"))]
        deck = Deck(netlist, [*supply(24), *helper(netlist, "reset"), *around, f"Crail {net} 0 {farad:g} ic={volt:g}"])
        seen = transient(deck, "50m", "12", {"off": f"when v({net})={limit:g} fall=1"}, uic=True)
        found.append(Finding(what, seen["off"], "s", 0, high))
    return found


@simulation("bleeders", "What bleeds takes little from a unit that runs, and stays cool.")
def bleeders() -> list[Finding]:
    netlist = design(_STAGE)
    deck = Deck(
        netlist,
        [*supply(24), *helper(netlist, "reset", power="3.3"), *unit(netlist, True), *load(1e6), "V12 u_12v 0 13.2"],
    )
    seen = operating_point(deck, "v(u_bplus)^2/2.2k", "v(u_12v)^2/2.2k", "v(unit_33,u_3v3)/0.1", "v(u_bplus)/2.2k")
    return [
        Finding("R17 at 24 V (1 W)", 1e3 * seen["v(u_bplus)^2/2.2k"], "mW", 0, 500),
        Finding("R30 at 13.2 V (0.25 W)", 1e3 * seen["v(u_12v)^2/2.2k"], "mW", 0, 125),
        Finding("from the unit's 3.3 V", 1e3 * seen["v(unit_33,u_3v3)/0.1"], "mA", 0, 10),
        Finding("from B+", 1e3 * seen["v(u_bplus)/2.2k"], "mA", 0, 15),
    ]


@simulation(
    "reversed", "B+ and B- exchanged at the supply: the unit sees less than a volt, and a strong supply blows the fuse."
)
def reversed_supply() -> list[Finding]:
    netlist = design(_STAGE)
    found = []
    for name, source in (
        ("18 V, stiff", supply(-18, 0.5)),
        ("18 V, 150 mA", ["Isupply supply 0 0.15"]),
    ):
        around = [*source, *helper(netlist, "reset"), *unit(netlist, False), *load(300)]
        seen = operating_point(Deck(netlist, around), "v(u_bplus)", "v(supply,fused)/0.15", "v(gp2)", "v(fused)")
        found.append(Finding(f"{name}: the unit's B+", seen["v(u_bplus)"], "V", -1.0, 0.1))
        found.append(Finding(f"{name}: the helper's pin", seen["v(gp2)"], "V", -0.3, 0.3))
        ampere = -seen["v(supply,fused)/0.15"]
        if "stiff" in name:
            found.append(Finding(f"{name}: through the fuse of 1 A, which goes", ampere, "A", 4))
        else:
            found.append(Finding(f"{name}: D2 takes", 1e3 * ampere * -seen["v(fused)"], "mW", 0, 1000))
    return found
