# The plan of a chip that is read-protected: its protection goes, everything is erased, and what can be is written.
#
# Where the protection came from a change of option bytes of ours that was cut (a chip may come back at level 1 then,
# docs/reference/chip.md#options-cut), the backup from before that change holds the whole chip: all is written back.

from rescue.engine.common import option_values
from rescue.engine.common.blocks import blocks
from rescue.engine.plan.smallest_cure import make_plan


def plan(run):
    """As make_plan(); the chip will be blank once its protection is gone."""
    restore = run.diagnosis["cause"] == "options-cut"
    found = []
    for index, address, size, owned in blocks(run.chip.flash.sectors(), run.job):
        count = size // run.job.sector_bytes
        entry = {"index": index, "address": address, "size": size, "state": "blank", "owned": owned, "count": count}
        found.append(entry)
    made = make_plan(found, run.job, [entry["index"] for entry in found] if restore else ())
    for step in made["steps"]:
        step["erase"] = False  # regress() looks again
    made["regress"] = True
    if restore:
        line = "remove the read protection that the cut change of option bytes left; the backup holds what it erases"
    else:
        line = "remove the read protection: the chip erases everything, calibration and serial included"
        made["lines"] = [text.replace("keep ", "lose ", 1) for text in made["lines"]]
    made["lines"].insert(0, line)
    return made


def put_back(made, options, job, before):
    """The option bytes as they were before the change that was cut, with the job's golden values where it consents."""
    wanted = job.options if "option-bytes" in job.consent else ()
    values = []
    for name, mask in option_values.WRITABLE:
        value = before[name]
        for register, bits, asked in wanted:
            if register == name:
                value = value & ~asked | bits & asked
        values.append([name, value, mask])
    made["restore"] = True
    made["options"] = option_values.differing(options, values)
    made["options_before"] = before
    made["protect"] = options["wpsn"] & ~before["wpsn"]
    made["lines"].append("put the option bytes back as they were before the change that was cut")
