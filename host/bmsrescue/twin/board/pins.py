"""Which MCU pins the board uses, and at which level they mean what."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class UnitPins:
    """Pin names as the chip has them ("PB5")."""

    latch: str
    """High holds the power latch, low lets it fall, high impedance leaves it as it is."""
    button: str
    display_uart: str
    button_pressed: bool = False
    """The level while the button is pressed."""
    leds: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """LED name to its pin and the level at which it is lit."""
