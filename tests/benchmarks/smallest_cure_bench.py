"""Prints what the smallest cure costs next to OpenOCD: see tests/support/smallest_cure.py for what is counted."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from smallest_cure import SCENARIO, by_agent, by_openocd


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        theirs = by_openocd(Path(folder))
    table = Table(title=f"{SCENARIO}: the agent's cure next to OpenOCD 0.12 on the same twin")
    for column in ("who", "what"):
        table.add_column(column)
    for column in ("sectors erased", "SWCLK cycles", "of OpenOCD's", "virtual s", "of OpenOCD's"):
        table.add_column(column, justify="right")
    for who, cost in [("OpenOCD", theirs), *[("agent", cost) for cost in by_agent().values()]]:
        table.add_row(
            who,
            cost.what,
            str(cost.sectors_erased),
            f"{cost.swclk_cycles:,}",
            f"{cost.swclk_cycles / theirs.swclk_cycles:.2f}",
            f"{cost.virtual_ms / 1000:.2f}",
            f"{cost.virtual_ms / theirs.virtual_ms:.2f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
