"""What the board is made of: pins, what to order, what serves as well, and what each is to ngspice.

A `Kind` is a part as one buys it. Pins are (number, name, function); functions are SKiDL's names. `spice` says what
stands for it in a deck: the element's letter, or None for modules, whose wiring alone counts (bench.py plays them).
"""

from __future__ import annotations

from dataclasses import dataclass

_TWO = (("1", "1", "PASSIVE"), ("2", "2", "PASSIVE"))
_DIODE = (("1", "K", "PASSIVE"), ("2", "A", "PASSIVE"))


@dataclass(frozen=True)
class Kind:
    prefix: str
    pins: tuple[tuple[str, str, str], ...]
    what: str
    order: str
    """A generic part that any house has; {value} is the part's value."""
    instead: str
    spice: str | None = None
    model: str = ""
    """ngspice's .model line for it."""
    footprint: str = ""


RESISTOR = Kind(
    "R",
    _TWO,
    "resistor",
    "{value}, 1 %, 0.25 W, metal film (MFR-25, MF25)",
    "any 1 % of 0.25 W; SMD 0805",
    "R",
    footprint="Resistor_THT:R_Axial_DIN0207_L6.3mm_D2.5mm_P10.16mm_Horizontal",
)
POWER_RESISTOR = Kind(
    "R",
    _TWO,
    "resistor, 1 W",
    "{value}, 5 %, 1 W, metal oxide (MO1S, RSF1)",
    "two of twice the value in parallel, 0.5 W each",
    "R",
    footprint="Resistor_THT:R_Axial_DIN0411_L9.9mm_D3.6mm_P12.70mm_Horizontal",
)
CAPACITOR = Kind(
    "C",
    _TWO,
    "ceramic capacitor",
    "{value}, X7R, 50 V (K104K15X7R)",
    "any X7R of 25 V or more",
    "C",
    footprint="Capacitor_THT:C_Disc_D5.0mm_W2.5mm_P5.00mm",
)
SCHOTTKY = Kind(
    "D",
    _DIODE,
    "small Schottky diode",
    "BAT85",
    "BAT43, BAT42; SMD BAT54",
    "D",
    ".model BAT85 D(IS=2.1e-7 RS=2.3 N=1.02 BV=36 IBV=1e-4 CJO=9.7e-12 M=0.33 TT=5e-9)",
    "Diode_THT:D_DO-35_SOD27_P7.62mm_Horizontal",
)
RECTIFIER = Kind(
    "D",
    _DIODE,
    "diode, 1 A",
    "1N4007",
    "1N4002 to 1N4007, UF4004",
    "D",
    ".model 1N4007 D(IS=7.03e-9 RS=0.034 N=1.81 BV=1000 IBV=5e-8 CJO=1e-11 TT=1e-7)",
    "Diode_THT:D_DO-41_SOD81_P10.16mm_Horizontal",
)
ZENER_12 = Kind(
    "D",
    _DIODE,
    "Zener diode, 12 V",
    "BZX55C12, 0.5 W",
    "BZX79-C12, 1N5242B",
    "D",
    ".model Z12 D(IS=1e-14 RS=5 N=1.1 BV=11.9 IBV=5e-3 CJO=6e-11)",
    "Diode_THT:D_DO-35_SOD27_P7.62mm_Horizontal",
)
ZENER_27 = Kind(
    "D",
    _DIODE,
    "Zener diode, 27 V",
    "BZX55C27, 0.5 W",
    "BZX79-C27, 1N5254B",
    "D",
    ".model Z27 D(IS=1e-14 RS=20 N=1.1 BV=27 IBV=2e-3 CJO=4e-11)",
    "Diode_THT:D_DO-35_SOD27_P7.62mm_Horizontal",
)
SUPPRESSOR = Kind(
    "D",
    _DIODE,
    "transient suppressor, one direction, stands 58 V",
    "P6KE68A",
    "1.5KE68A, SMBJ58A",
    "D",
    ".model P6KE68 D(IS=1e-12 RS=0.15 N=1 BV=68 IBV=1e-3 CJO=4e-10)",
    "Diode_THT:D_DO-15_P12.70mm_Horizontal",
)
NPN = Kind(
    "Q",
    (("1", "E", "PASSIVE"), ("2", "B", "PASSIVE"), ("3", "C", "PASSIVE")),
    "NPN transistor, 40 V",
    "2N3904",
    "BC547B, BC337 (their leads are the other way round)",
    "Q",
    ".model 2N3904 NPN(IS=6.734e-15 BF=200 VAF=74 IKF=0.0678 RB=10 RC=1 CJE=4.5e-12 CJC=3.6e-12 TF=3e-10 TR=2.4e-7)",
    "Package_TO_SOT_THT:TO-92_Inline",
)
NPN_HIGH = Kind(
    "Q",
    (("1", "E", "PASSIVE"), ("2", "B", "PASSIVE"), ("3", "C", "PASSIVE")),
    "NPN transistor, 160 V",
    "2N5551",
    "MPSA42 (300 V)",
    "Q",
    ".model 2N5551 NPN(IS=2.5e-15 BF=120 VAF=100 IKF=0.3 RB=10 RC=1 CJE=1.5e-11 CJC=4.9e-12 TF=5e-10 TR=1e-6)",
    "Package_TO_SOT_THT:TO-92_Inline",
)
PNP = Kind(
    "Q",
    (("1", "E", "PASSIVE"), ("2", "B", "PASSIVE"), ("3", "C", "PASSIVE")),
    "PNP transistor, 40 V",
    "2N3906",
    "BC557B, BC327 (their leads are the other way round)",
    "Q",
    ".model 2N3906 PNP(IS=1.41e-15 BF=180 VAF=18.7 IKF=0.08 RB=10 RC=2.5 CJE=8e-12 CJC=9.7e-12 TF=1.8e-10 TR=3.4e-8)",
    "Package_TO_SOT_THT:TO-92_Inline",
)
PMOS = Kind(
    "Q",
    (("1", "G", "PASSIVE"), ("2", "D", "PASSIVE"), ("3", "S", "PASSIVE")),
    "P-channel MOSFET, 100 V, TO-220 with a clip heat sink",
    "IRF9540N",
    "IRF9530, IRF5210, any P-channel of 80 V or more and 0.3 ohm or less in TO-220",
    "M",
    ".model IRF9540 VDMOS(pchan RG=3 VTO=-3.0 RD=0.06 RS=0.03 RB=0.05 KP=8"
    " CGDMAX=1n CGDMIN=0.15n CGS=1.1n CJO=1.2n IS=1e-12)",
    "Package_TO_SOT_THT:TO-220-3_Vertical",
)
FUSE = Kind(
    "F",
    _TWO,
    "fuse, fast, 5 x 20 mm, in a holder",
    "1 A F, 250 V",
    "0.5 A T",
    "R",
    footprint="Fuse:Fuseholder_Cylinder-5x20mm_Schurter_0031_8201_Horizontal_Open",
)
POLYFUSE = Kind(
    "F",
    _TWO,
    "resettable fuse, holds 0.2 A, 60 V or more",
    "RXEF020",
    "MF-R020, 60R020X",
    "R",
    footprint="Fuse:Fuse_Bourns_MF-RG300",
)
OPTO = Kind(
    "U",
    (("1", "A", "PASSIVE"), ("2", "K", "PASSIVE"), ("3", "E", "PASSIVE"), ("4", "C", "PASSIVE")),
    "opto-coupler, transistor output",
    "PC817",
    "LTV-817, EL817, SFH617A",
    "OPTO",
    ".model OPTOLED D(IS=1.5e-14 N=1.8 RS=1.5)",
    "Package_DIP:DIP-4_W7.62mm",
)
MUX = Kind(
    "U",
    (
        ("16", "VCC", "PWRIN"),
        ("8", "GND", "PWRIN"),
        ("7", "VEE", "PWRIN"),
        ("6", "INH", "INPUT"),
        ("11", "A", "INPUT"),
        ("10", "B", "INPUT"),
        ("9", "C", "INPUT"),
        ("3", "X", "PASSIVE"),
        ("13", "X0", "PASSIVE"),
        ("14", "X1", "PASSIVE"),
        ("15", "X2", "PASSIVE"),
        ("12", "X3", "PASSIVE"),
        ("1", "X4", "PASSIVE"),
        ("5", "X5", "PASSIVE"),
        ("2", "X6", "PASSIVE"),
        ("4", "X7", "PASSIVE"),
    ),
    "analogue multiplexer, 8 to 1",
    "CD74HC4051E",
    "74HC4051N; a module with CD74HC4067 has 16 channels: other pins",
    "MUX",
    footprint="Package_DIP:DIP-16_W7.62mm",
)
INA226 = Kind(
    "A",
    (
        ("1", "VS", "PWRIN"),
        ("2", "GND", "PWRIN"),
        ("3", "SCL", "INPUT"),
        ("4", "SDA", "BIDIR"),
        ("5", "ALERT", "OPENCOLL"),
        ("6", "VBUS", "PASSIVE"),
        ("7", "IN+", "PASSIVE"),
        ("8", "IN-", "PASSIVE"),
    ),
    "module INA226 with a shunt of 0.1 ohm (R100)",
    "INA226 module, R100",
    "the part alone with a shunt of 0.1 ohm, 1 %; not INA219 (other registers)",
    "SHUNT",
    footprint="Connector_PinHeader_2.54mm:PinHeader_1x08_P2.54mm_Vertical",
)
DISPLAY = Kind(
    "A",
    (("1", "GND", "PWRIN"), ("2", "VCC", "PWRIN"), ("3", "SCL", "INPUT"), ("4", "SDA", "BIDIR")),
    "module SSD1306, 128 x 64, I2C, 0.96 inch",
    "SSD1306 OLED module, I2C, 4 pins",
    "look at the order of its pins: some begin with VCC",
    footprint="Connector_PinHeader_2.54mm:PinHeader_1x04_P2.54mm_Vertical",
)
CARD = Kind(
    "J",
    (
        ("1", "3V3", "PWRIN"),
        ("2", "CS", "INPUT"),
        ("3", "MOSI", "INPUT"),
        ("4", "SCK", "INPUT"),
        ("5", "MISO", "OUTPUT"),
        ("6", "GND", "PWRIN"),
    ),
    "microSD module without level shifter, for 3.3 V",
    "microSD breakout, 3.3 V only",
    "not the module with a 5 V regulator and 74LVC125: it needs 5 V and keeps MISO driven",
    footprint="Connector_PinHeader_2.54mm:PinHeader_1x06_P2.54mm_Vertical",
)
LIGHT = Kind(
    "D",
    (("1", "R", "PASSIVE"), ("2", "K", "PASSIVE"), ("3", "G", "PASSIVE"), ("4", "B", "PASSIVE")),
    "RGB LED, common cathode",
    "5 mm RGB LED, diffuse, common cathode",
    "three LEDs",
    footprint="LED_THT:LED_D5.0mm-4_RGB",
)
BUZZER = Kind(
    "BZ",
    _TWO,
    "piezo buzzer without electronics",
    "passive piezo, 20 mm",
    "not a magnetic one: it takes more than a pin gives",
    footprint="Buzzer_Beeper:Buzzer_12x9.5RM7.6",
)
BUTTON = Kind(
    "SW",
    _TWO,
    "push button",
    "6 x 6 mm tactile switch",
    "any that closes when pressed",
    footprint="Button_Switch_THT:SW_PUSH_6mm",
)


def header(*names: str) -> Kind:
    """A pin header or screw terminal whose pins have these names."""
    pins = tuple((str(number), name, "PASSIVE") for number, name in enumerate(names, 1))
    return Kind(
        "J",
        pins,
        f"terminal, {len(pins)} pins: " + ", ".join(names),
        f"screw terminal or pin header, {len(pins)} pins, 2.54 mm",
        "soldered wires with strain relief",
        footprint=f"Connector_PinHeader_2.54mm:PinHeader_1x{len(pins):02}_P2.54mm_Vertical",
    )


_GPIO_PADS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29)
GPIO_PAD = {**dict(enumerate(_GPIO_PADS)), 26: 31, 27: 32, 28: 34}
"""GPIO -> pad of a Pico or Pico 2 (the boards' pinouts are the same)."""
PICO = Kind(
    "A",
    (
        *((str(pad), f"GP{gpio}", "BIDIR") for gpio, pad in GPIO_PAD.items()),
        *((str(pad), f"GND{pad}", "PWRIN") for pad in (3, 8, 13, 18, 23, 28, 33, 38)),
        ("30", "RUN", "INPUT"),
        ("35", "ADC_VREF", "PASSIVE"),
        ("36", "3V3", "PWROUT"),
        ("37", "3V3_EN", "INPUT"),
        ("39", "VSYS", "PASSIVE"),
        ("40", "VBUS", "PASSIVE"),
    ),
    "Raspberry Pi Pico 2 or Pico, with headers",
    "Raspberry Pi Pico 2 H, or Pico H",
    "Pico W, Pico 2 W: the same pads",
    footprint="Module:RaspberryPi_Pico_Common_THT",
)
