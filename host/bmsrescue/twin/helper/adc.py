"""How the helper measures rails: a divider and a 12-bit ADC per rail, with quantisation and seeded noise.

The figures are those of an RP2040: 3.3 V reference, about 1.4 LSB rms of input noise. The board is taken as calibrated,
so its remaining error is noise and quantisation, unless its `HelperTraits` say that its zero is off or that it spikes.
"""

from random import Random

from bmsrescue.twin.board.faults import HelperTraits

REFERENCE_MV = 3300
FULL_SCALE = 4096
NOISE_LSB_RMS = 1.4

# Ratio of each rail's divider, and of the shunt amplifier in mA per mV.
DIVIDERS = {"bplus": 31.0, "v12": 5.7, "v5iso": 3.0, "v3v3": 2.0, "vcap": 1.0}
_SHUNT_MA_PER_MV = 0.25

# A reading is the mean of 64 conversions without the 8 highest and 8 lowest, a capture takes 8 of them per point.
READING_SAMPLES = 48
READING_NS = 400_000
QUICK = 4
"""A quick look has so many times less of both."""
CAPTURE_SAMPLES = 8
CAPTURE_NS = 50_000


class RailAdc:
    """Turns what is there (mV, mA) into what the helper reads."""

    def __init__(self, seed: int, traits: HelperTraits | None = None) -> None:
        self._noise = Random(f"adc-{seed}")
        self._spikes = Random(f"spikes-{seed}")
        self._traits = HelperTraits() if traits is None else traits
        self.zero_lsb = 0.0
        """What the agent has measured at 0 V and wants taken off every reading."""

    @property
    def has_ground(self) -> bool:
        """Is a channel of the multiplexer tied to ground?"""
        return self._traits.grounded_channel

    def read_ground(self) -> int:
        """The grounded channel, of 65536."""
        return round(self._raw(0.0, READING_SAMPLES) * 16)

    def read_mv(self, rail: str, truth_mv: int, samples: int = READING_SAMPLES) -> int:
        """What a measurement of `truth_mv` shows, in mV."""
        return round(self._convert(truth_mv / DIVIDERS[rail], samples) * DIVIDERS[rail])

    def read_raw(self, rail: str, truth_mv: int) -> int:
        """What the ADC itself shows, of 65536."""
        return round(self._raw(truth_mv / DIVIDERS[rail], READING_SAMPLES) * 16)

    def read_ma(self, truth_ma: int) -> int:
        """What the shunt amplifier's channel shows, in mA."""
        return round(self._convert(truth_ma / _SHUNT_MA_PER_MV, READING_SAMPLES) * _SHUNT_MA_PER_MV)

    def _convert(self, pin_mv: float, samples: int) -> float:
        return max(self._raw(pin_mv, samples) - self.zero_lsb, 0.0) * REFERENCE_MV / FULL_SCALE

    def _raw(self, pin_mv: float, samples: int) -> float:
        # The mean of n noisy conversions resolves finer than one step: noise falls with the root of n, and the
        # result is kept in sixteenths of a step.
        noise = self._noise.gauss(0.0, NOISE_LSB_RMS / samples**0.5)
        off = self._traits.adc_zero_lsb
        if self._traits.adc_spike_rate and self._spikes.random() < self._traits.adc_spike_rate:
            off += self._spikes.choice((-1, 1)) * self._traits.adc_spike_lsb
        code = round((pin_mv * FULL_SCALE / REFERENCE_MV + noise + off) * 16) / 16
        return min(max(code, 0.0), FULL_SCALE - 1)
