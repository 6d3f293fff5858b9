"""Generated units, shard 2 of 6: nothing untrue is said of any (docs/field.md)."""

import pytest

from field_shard import check_shard


@pytest.mark.timeout(1800)
def test_nothing_untrue_is_said_of_generated_units() -> None:
    check_shard(2)
