# Runs on the Pico in place of the agent: the tables of names once the large one was taken, and after what a recovery by
# a host loads. micropython.qstr_info() prints them.

import gc

import micropython

from rescue import names

names.take_large_table()
micropython.qstr_info()

from rescue.engine import modules  # noqa: E402
from rescue.engine.run import drop_modules  # noqa: E402
from rescue.engine.steps import STEPS, function_of  # noqa: E402

for name in ("rescue.hal.board", "rescue.front.app", "rescue.link.server", "rescue.link.methods.job"):
    modules.load(name)
for name in ("rescue.chips.stm32h7.chip", "rescue.chips.stm32h7.flash_write", "rescue.chips.stm32h7.flash_read"):
    modules.load(name)
modules.drop("rescue.front rescue.link")
for name in STEPS:
    function_of(name)
    drop_modules()
gc.collect()
micropython.qstr_info()
