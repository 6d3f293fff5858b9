"""A proof that could not see the unit over disturbed wires: nothing is put back, and the wires are named."""

from types import SimpleNamespace
from typing import Any

import pytest

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.proof import put_back  # noqa: E402
from rescue.engine.record.outcome import of_run  # noqa: E402
from rescuelink.errors import WireError  # noqa: E402


def run_after(wire: str | None, *, disturbed: bool) -> SimpleNamespace:
    proof: dict[str, Any] = {"wire": wire, "reason": "the running unit does not answer", "lines": [], "rails": None}
    return SimpleNamespace(
        proof=proof,
        cured=False,
        ports=None,
        power=SimpleNamespace(seen=lambda role: None),
        limits=None,
        target=None,
        evidence={"swd": {"tries": []}},
        is_disturbed=lambda: disturbed,
    )


def no_answer(*_arguments: object) -> tuple[None, dict[str, Any]]:
    return None, {"how": None, "tries": [{"how": "attach", "hz": 1_000_000, "result": "no_ack"}]}


def test_over_disturbed_wires_nobody_has_seen_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(put_back.ladder, "connect", no_answer)
    run = run_after("no_ack", disturbed=True)
    with pytest.raises(WireError, match="written and verified, and whether it runs could not be seen") as raised:
        put_back.put_back(run)
    assert run.cured
    assert of_run(raised.value, "RECOVERED", None, True, run.cured, False, disturbed=True) == "CHECK_WIRES"


@pytest.mark.parametrize(("wire", "disturbed"), [("no_ack", False), (None, True)])
def test_over_wires_in_order_a_silent_unit_is_one_that_fails(
    monkeypatch: pytest.MonkeyPatch, wire: str | None, disturbed: bool
) -> None:
    monkeypatch.setattr(put_back.ladder, "connect", no_answer)
    run = run_after(wire, disturbed=disturbed)
    put_back.put_back(run)
    assert run.proof["lines"] == ["the chip answers by no way, not even under reset or through BOOT0"]
