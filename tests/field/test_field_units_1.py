"""Generated units, shard 1 of 6: nothing untrue is said of any (docs/field.md)."""

from field_shard import check_shard


def test_nothing_untrue_is_said_of_generated_units() -> None:
    check_shard(1)
