# Step "act": carries out the plan (cure.py), between changes of the option bytes where it has them.

from rescue.engine import modules
from rescue.engine.act.cure import Cure
from rescue.engine.run import seldom
from rescuelink.errors import CardError


def act(run):
    """Raises what stopped it; `run.erase_begun` tells whether the flash has been touched."""
    seldom("same_unit", run)
    plan = run.plan
    if plan["regress"]:
        _option_step("regress", run)
    elif plan["steps"] and (run.backup is None or not run.backup["verified"]):
        raise CardError("backup", "there is no backup", next_step="nothing was erased")
    if plan["unprotect"]:
        _option_step("unprotect", run)
    if plan["steps"]:
        Cure(run, plan["steps"]).carry_out()
        modules.load("rescue.engine.act.strays").look(run)
        modules.drop("rescue.engine.act.strays")
    if plan["options"] or plan["protect"]:
        _option_step("restore", run)


def _option_step(name, run):
    # Loaded for its moment only: the heap is for the writing in between.
    getattr(modules.load("rescue.engine.act.option_steps"), name)(run)
    modules.drop("rescue.engine.act.option_steps")
    modules.drop("rescue.chips.h7_option_writer")
