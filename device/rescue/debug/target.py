# A chip behind its debug port, with the access ports of an STM32H7. docs/reference/chip.md#ap-list.

from rescue.debug.ap import ahb_ap, apb_ap
from rescue.debug.cortex_m import CortexM

ATTACH = "attach"  # how: the core was left as it was; the other ways are connect.py's


class Target:
    """A chip whose debug port answers. aps: {"0": IDR, ...}. family: whose it is (chips/families.py)."""

    family = None

    def __init__(self, dp, how, hz):
        self.dp = dp
        self.how = how
        self.hz = hz
        self.dpidr = dp.dpidr
        self.ap0 = ahb_ap(dp, 0)
        self.ap1 = ahb_ap(dp, 1)
        self.ap2 = apb_ap(dp, 2)
        self.core = CortexM(self.ap0, dp.clock)
        self.aps = {"0": self.ap0.idr(), "1": self.ap1.idr(), "2": self.ap2.idr()}
