"""Virtual time: events happen in order, at their own instants."""

from bmsrescue.twin.clock import VirtualClock


def test_events_on_the_way_see_their_own_time_in_order():
    clock = VirtualClock()
    seen = []
    clock.at(30, lambda: seen.append(("late", clock.now_ns)))
    clock.at(10, lambda: seen.append(("early", clock.now_ns)))
    clock.at(10, lambda: seen.append(("second", clock.now_ns)))
    clock.advance(100)
    assert seen == [("early", 10), ("second", 10), ("late", 30)]
    assert clock.now_ns == 100


def test_a_cancelled_event_does_not_happen():
    clock = VirtualClock()
    seen = []
    clock.at(5, lambda: seen.append("no")).cancel()
    clock.advance(10)
    assert seen == []


def test_an_event_may_plan_another_that_is_due_within_the_same_advance():
    clock = VirtualClock()
    seen = []
    clock.at(5, lambda: clock.after(2, lambda: seen.append(clock.now_ns)))
    clock.advance(10)
    assert seen == [7]


def test_an_event_that_spends_time_itself_is_not_undone():
    clock = VirtualClock()
    clock.at(5, lambda: clock.advance(100))
    clock.advance(10)
    assert clock.now_ns == 105
