# What lies where in the work RAM while flash is written (flash_loader.S). The SHA-256 routine comes first (digest.py),
# then the code, behind it the stack and the job of the SHA-256 routine (from 0x600), the ring, the slots, the mailbox.
# The ring begins on a 1 KiB boundary, so that TAR is written once per KiB.

CODE = 0x400
RING = 0x800
MAILBOX = 0x1FC00
CHECKED = 8  # of the mailbox
LENGTH = 16

SLOTS = 128
SLOTS_BYTES = 0x800  # set aside for them and the mailbox, so that the ring is whole blocks of 2 KiB
DAMAGED = 0xFFFFFFFF  # what the routine returns where its mailbox has not arrived whole; also the other half of a check
