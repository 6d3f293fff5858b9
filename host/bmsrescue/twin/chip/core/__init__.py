"""The Cortex-M7: Thumb execution on Unicorn, its debug registers, exceptions and private peripherals."""
