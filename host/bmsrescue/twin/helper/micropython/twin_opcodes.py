# The calls between the MicroPython child (which asks) and the twin (which answers), for both sides.
#
# A request is REQUEST plus `length` bytes of payload, its answer is ANSWER plus `length` bytes of payload; the child
# waits for each answer, so there is one call under way at most. Little-endian throughout.
#
#   REQUEST  op u8, small u8, looks u8, fed u8, length u32, number u32, wide i64
#   ANSWER   status u32, length u32, value u64, now u64: virtual time since start, us
#
# An answer CERTAIN promises that one write over the wire, sent next and at this very time, cannot fail. So the child
# need not wait for it: it goes as WIRE_POST, which has no answer, together with the request after it. The order in
# which the twin does things stays the same, and so does each error's place. Where something else watches the calls (a
# host on the link, a test that cuts them) the child is told not to (board.json, "posts").
#
# Looks at the clock and feeding the watchdog cost no call of their own: the child counts on from the last answer's
# `now`, LOOK_US a look, and says with the next request how often it has looked (`looks`, at most MOST_LOOKS) and after
# how many of them it has fed the watchdog (`fed`, one more than that; 0: not at all).

REQUEST = "<BBBBIIq"
REQUEST_BYTES = 20
ANSWER = "<IIQQ"
ANSWER_BYTES = 24
LOOK_US = 10
MOST_LOOKS = 100

# Answer status. OK: `value` and payload as the table says. WIRE: a WireError, payload "kind\ndone\nmessage\n" and of
# a block read the words that came before it, value
# its address or NOTHING. OS: an OSError, value its errno. REFUSED: the twin cannot do that, payload says why.
# CTRL_C: somebody has sent Ctrl-C, as a host does ahead of a soft reset.
OK = 0
WIRE = 1
OS = 2
REFUSED = 3
CTRL_C = 4
CERTAIN = 5  # as OK

# No address and no current is as large.
NOTHING = 0xFFFFFFFF

# Clock                         request                                    answer
CLOCK_US = 1  #                                                            value: virtual time since start, us: a look
CLOCK_SLEEP_US = 2  #           wide: us, small: 1 keeps the watchdog fed
CLOCK_FEED = 3

# Wire
WIRE_SET_FREQUENCY = 10  #      number: Hz                                 value: Hz the wire really runs at
WIRE_ENGAGE = 11
WIRE_RELEASE = 12
WIRE_LINE_RESET = 13
WIRE_JTAG_TO_SWD = 14
WIRE_DORMANT_TO_SWD = 15
WIRE_READ = 16  #               small: AP<<4 | A[3:0]                      value: word
WIRE_WRITE = 17  #              small: AP<<4 | A[3:0], number: word
WIRE_POST = 26  #               small: AP<<4 | A[3:0], number: word        none
WIRE_READ_BLOCK = 18  #         small: AP<<4 | A[3:0], number: bytes       payload: words
WIRE_WRITE_BLOCK = 19  #        small: AP<<4 | A[3:0], payload: words
WIRE_IDLE = 20  #               number: cycles
WIRE_BITS_OUT = 22  #           small: bits (at most 24), number: value
WIRE_BITS_IN = 23  #            small: bits (at most 24)                   value: samples
WIRE_PULLED = 24  #             small: 1 up, 0 down                         value: SWDIO | SWCLK << 1
WIRE_RESENDS = 25  #                                                       value: answers asked for again so far
WIRE_CYCLES = 21  #                                                        value: SWCLK cycles so far

# Lines
LINE_POWER = 30  #              small: 0/1
LINE_NRST = 31  #               small: 1 pulled low, 0 released
LINE_NRST_LEVEL = 32  #                                                    value: 0/1
LINE_NRST_EDGES = 33  #                                                    value: falls since the last call
LINE_BOOT0 = 34  #              small: 0/1, RELEASED
LINE_BUTTON = 35  #             small: 1 pressed
LINE_RELEASE_ALL = 36
RELEASED = 2

# Rails
RAIL_NAMES = 40  #                                                         payload: names, comma-separated
RAIL_READ = 41  #               small: index into the names,               value: mV
#                               number: 1 of a quick look
RAIL_CAPTURE = 42  #            number: period ms, wide: window ms         payload: min, mean, max i32 per rail, mV
RAIL_CURRENT = 43  #                                                       value: mA, or NOTHING when not measured
RAIL_SPAN = 44  #               small: index into the names                value: mV at the ADC's full scale
RAIL_GROUNDED = 45  #                                                      value: of 65536, or NOTHING: no such channel
RAIL_RAW = 47  #                small: index into the names                value: of 65536
RAIL_ZERO = 46  #               number: what the ADC reads at 0 V, of 65536
CAPTURE_ENTRY = "<iii"
CAPTURE_ENTRY_BYTES = 12

# Block devices: the card and the helper's internal flash
BLOCK_CARD = 0
BLOCK_STORE = 1
BLOCK_READ = 50  #              small: device, number: block,
#                               wide: offset in block << 32 | bytes        payload: data
BLOCK_WRITE = 51  #             small: device, number: block,
#                               wide: offset in block, payload: data
BLOCK_ERASE = 53  #             small: device, number: block
BLOCK_SYNC = 54  #              small: device
BLOCK_IDENTITY = 55  #          small: device                              value: of the card in the slot
BLOCK_INFO = 52  #              small: device                              value: block size << 32 | block count

# Panel and observer
PANEL_SHOW = 60  #              payload: 1024 bytes, 128x64 MONO_VLSB
PANEL_LED = 61  #               number: red<<16 | green<<8 | blue, each 0..255
PANEL_BEEP = 62  #              number: ms
PANEL_PRESSED = 63  #                                                      value: 0/1
EVENT = 70  #                   payload: a part of JSON [name, data],
#                               small: 1 when more of it follows, number: 1 in its first part
