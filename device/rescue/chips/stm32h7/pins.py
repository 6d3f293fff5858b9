# One pin of an STM32H7 through the debug port: driven, or looked at. RM0468 sections 8.7 (RCC) and 11.4 (GPIO).

_RCC_AHB4ENR = 0x580244E0  # GPIOxEN, port A in bit 0
_GPIOA = 0x58020000
_PORT_BYTES = 0x400
_MODER = 0x00
_IDR = 0x10
_BSRR = 0x18
_OUTPUT = 1


def level(ap, name):
    """Whether the pin reads high. Only where the firmware has its port's clock on: else it reads low."""
    return bool(ap.read32(_GPIOA + (ord(name[1]) - 65) * _PORT_BYTES + _IDR) >> int(name[2:]) & 1)


def drive(ap, name, high):
    """Drive the pin called e.g. "PB5". The core must be halted, so that no firmware takes it back."""
    port, bit = ord(name[1]) - 65, int(name[2:])
    base = _GPIOA + port * _PORT_BYTES
    ap.write32(_RCC_AHB4ENR, ap.read32(_RCC_AHB4ENR) | 1 << port, again=True)
    ap.write32(base + _BSRR, 1 << (bit if high else bit + 16), again=True)
    mode = ap.read32(base + _MODER) & ~(3 << 2 * bit)
    ap.write32(base + _MODER, mode | _OUTPUT << 2 * bit, again=True)
