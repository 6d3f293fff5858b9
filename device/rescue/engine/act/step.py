# Step "act": carries out the plan (cure.py), between changes of the option bytes where it has them.

from rescue.engine import modules
from rescue.engine.act.cure import Cure
from rescuelink.errors import CardError


def act(run):
    """Raises what stopped it; `run.erase_begun` tells whether the flash has been touched."""
    _check_unit(run)
    plan = run.plan
    if plan["regress"]:
        from rescue.engine.act.regression import regress

        regress(run)
    elif plan["steps"] and (run.backup is None or not run.backup["verified"]):
        raise CardError("backup", "there is no backup", next_step="nothing was erased")
    if plan["unprotect"]:
        from rescue.engine.act.option_steps import unprotect

        unprotect(run)
    if plan["steps"]:
        Cure(run, plan["steps"]).carry_out()
        from rescue.engine.act import strays

        strays.look(run)
    if plan["options"] or plan["protect"]:
        from rescue.engine.act.option_steps import restore

        restore(run)


def _check_unit(run):
    from rescue.engine.unit.same_unit import check_unit

    modules.forget("rescue.engine.unit.same_unit")  # the writing takes room
    check_unit(run)
