# The calls of the stand-in `machine` to the twin: for both sides. Requests and answers as in twin_opcodes.py.

# One byte per step: the pin's number and one of these above it. A look ends the call and is answered.
LOW = 0x00
HIGH = 0x20
FLOAT = 0x40
LOOK = 0x60
PULL_UP = 0x80
PULL_DOWN = 0xA0
PIN_MASK = 0x1F

PINS = 1  #        payload: steps                           value: the level looked at
ADC_READ = 2  #    small: pin                               value: 12 bits
SPI_TRANSFER = 3  # payload: bytes out                      payload: bytes in
SPI_READ = 4  #    small: byte to send, number: how many    payload: bytes in
SPI_WRITE = 5  #   payload: bytes out
I2C_WRITE = 6  #   small: address, payload: bytes           value: 1 when acknowledged
I2C_READ = 7  #    small: address, number: how many         payload: bytes
PWM_DUTY = 8  #    small: pin, number: 0..65535
TIME = (
    9  #        wide: us to let pass                      value: NRST falls since the last call << 48 | us since start
)
FEED = 10
EVENT = 11  #      payload: a part of JSON [name, data], small: 1 when more follows
