"""Generated units of which something untrue was said once, or that were treated wrongly: seed, and what was wrong.

Each is run again, by its shard (`field_shard.py`) or by `test_field_mended.py`. A seed stands for its kind.
"""

MENDED = (
    (
        4,
        "removal of read protection crashed after the chip was erased where a region was to be preserved in the sector",
    ),
    (
        296,
        "a sector read over a slow wire outlasted the watchdog; contact lost between registers left the rest out",
    ),
    (100043, "a helper that sees 3.3 V only looked while it rose, and did not wait for a reset supervisor"),
    (
        100105,
        "a backup over a noisy wire, with a core that could not say what it holds, kept two flipped bits in a word",
    ),
    (100149, "the same, in a sector with a torn word"),
    (100167, "a core supply that firmware took away was the board's fault, where NRST could not be held low"),
    (100213, "option bytes lost on a noisy wire were left out, and the unit was no known fault"),
    (100227, "after a removal of read protection the chip was read while a reset supervisor still held it"),
    (100287, "a backup over a ringing clock of a sector with torn words held bytes that the unit never had"),
    (100038, "a torn word of the unit's data beside an unknown application passed for a cut update of it"),
    (300003, "with consent the read protection was removed, and with it a bootloader that the job did not bring"),
    (300006, "a watchdog that bit while the chip was read left most of the evidence out"),
    (1000029, "another die whose identity registers lie elsewhere was taken for trouble with the wires"),
    (
        1000083,
        "an unknown application that a supervisor resets four times a second was asked about, the resets not told",
    ),
    (1000234, "after a flag was cleared nobody looked whether the option bytes start a watchdog that bites"),
    (2000069, "a reset that a long supervisor draws out was read into: a watchdog's bite passed for a bad wire"),
    (2000093, "the same, where a large capacitor hides the edge of NRST"),
    (2000111, "a cut update in front of data of the unit's own passed for an unknown application"),
    (3000024, "12 V that a short holds down while the button is held passed for a converter that does not start"),
    (3000435, "a core supply that firmware in Standby takes away passed for the board's fault beside an open wire"),
    (3000443, "a core that could not be read over a ringing clock was left out, and the unit was no known fault"),
    (3000478, "3.3 V that the helper does not see passed for a dead regulator where the firmware took VCAP away"),
    (3000563, "12 V shorted to nothing, seen by the current while the button was held"),
    (100129, "a core was sampled in step with its firmware's tick, and passed for stuck in a loop"),
    (3000850, "3.3 V that is not seen passed for a dead regulator while a supervisor held NRST, though VCAP was good"),
    (10, "the twin kept a debugger's PRIMASK through a reset: firmware that works in interrupts stood still"),
    (
        3000776,
        "contact lost for 80 ms while the ladder climbed, on a unit in order: the evidence fitted no known fault",
    ),
    (3000790, "12 V that the helper does not see, though 3.3 V is good, passed for a converter that does not start"),
    (
        3001046,
        "VCAP that the helper does not see, beside firmware that takes the SWD pins: a cure that none could prove",
    ),
    (3001176, "12 V behind a divider that reads half of it passed for an overloaded converter"),
    (3001418, "B+ behind a divider that reads half of it passed for a low supply, with all other rails good"),
    (3001340, "12 V behind a divider that reads half of it, before a dip of 3.3 V"),
    (3001232, "a dip that comes once was taken for what the unit does by itself"),
    (
        5000025,
        "a sector that no longer takes what is written, found once read protection was removed: the truth said cured",
    ),
    (5000132, "12 V that the helper does not see, beside firmware that takes the SWD pins"),
    (5000159, "a worn sector under a job that rewrites what is in order: the truth knew of no wear"),
    (6000309, "12 V that the helper does not see, behind a latch that firmware holds: 3.3 V came with the button"),
    (6000520, "read protection level 2 and VCAP unseen: to say that not all was seen is true, and weak"),
    (
        6000398,
        "a contact lost every 150 ms: looks at the sectors beside outlasted the watchdog; a core that could not be "
        "watched for seconds without a gap passed for a unit that does not run",
    ),
    (6000999, "a core supply that its firmware takes, under read protection 1: what is to be done about it is locked"),
    (6001014, "a core supply that its firmware takes, and SWDIO open: with BOOT0 high the supply was there"),
    (6001081, "a wrong boot address under read protection 1, with consent to both: the truth said not cured"),
    (
        7000147,
        "a dip while the chip was compared: without power it forgot what keeps it open to debugging in its sleep, and "
        "one reset passed for a unit that is reset again and again",
    ),
    (7000283, "a supervisor that fires every 250 ms: one reset in the work passed for one that comes once"),
    (7000315, "B+ that the helper does not see, behind a latch that firmware holds, passed for a supply that is off"),
    (8000051, "newer firmware that ran was overwritten under the consent to lift its write protection"),
    (8001007, "another die than the job's, whose firmware takes the core supply away, was hardware at fault"),
    (8001192, "a sister's firmware was overwritten without leave because an option byte started the watchdog"),
    (8001867, "a unit that a supervisor resets four times a second was worked on for a quarter of an hour"),
    (8001877, "one damaged transfer in the proof's last comparison made hardware at fault of a unit that ran"),
    (8001979, "firmware that sleeps, and was awake at the instant of the first look, was said not to run"),
    (
        8002514,
        "a dead crystal behind a ringing clock: a flipped bit in a program counter made a healthy unit of a loop",
    ),
    (
        8001888,
        "one wrong byte in the job's image, in its only sector and with neither marker nor version: nobody was told "
        "that the application is equal to the image but for one place",
    ),
    (8002437, "64 wrong bytes in the job's image passed for an application that nobody knows, though nothing ran"),
    (8002574, "the same with four wrong bytes"),
    (8002705, "a supervisor that fires every 250 ms, missed by the look at NRST, passed for a bad wire"),
    (
        9000629,
        "an update that was cut in its second part, the first not yet begun: the truth took the old firmware for whole",
    ),
    (9001165, "VCAP unseen, under firmware that sleeps, passed for low by design, and the proof blamed hardware"),
    (9002051, "contact lost just after the first answer: nobody tried again, and the unit was no known fault"),
    (9002067, "BOOT0 bridged under a bootloader, found by the proof, passed for a wrong boot address"),
    (9002448, "a watchdog of the option bytes that bites under the image: the proof did not name it"),
    (9002565, "a supervisor that fires every 600 ms under firmware in Standby: work was begun in vain"),
    (9002624, "3.3 V that the front end takes away in the proof passed for a dead regulator"),
    (9003087, "wrong bytes across the marker, the rest the job's image, passed for another product"),
    (9003473, "a chip that could not say who it is over a ringing clock was called the image's, nothing compared"),
    (9100034, "own data torn in a sector that is write-protected: LOCKED by wrp passed for a wrong cause"),
    (9001270, "one reset by a watchdog chip that spoilt the first write of option bytes passed for a bad wire"),
    (9100254, "SWDIO open behind a translator: a helper without a wire to VCAP blamed nothing, though NRST was high"),
    (8002744, "two resets of it in half a second were no loop, and an erased unit was written to in vain"),
)

OPEN: dict[int, str] = {}
"""Seeds that are known to be treated wrongly today; whoever mends one moves it up."""
