# STM32H72x registers outside the flash controller, as the agent uses them. docs/reference/chip.md#dbgmcu and on.

# DBGMCU (RM0433 60.5.8): through AP2, the debug APB, it answers in reset and whatever the bus matrix does.
DBGMCU_APB = 0xE00E1000
DBGMCU_AHB = 0x5C001000
DBGMCU_IDC = DBGMCU_APB  # the identity is its first word
DBGMCU_APB3FZ1 = 0x34
DBGMCU_APB4FZ1 = 0x54
FREEZE_WWDG1 = 1 << 6  # APB3FZ1
FREEZE_IWDG1 = 1 << 18  # APB4FZ1

IWDG1_KR = 0x58004800
IWDG1_RELOAD = 0xAAAA

PWR_CSR1 = 0x58024804
PWR_CR3 = 0x5802480C  # write-once after power-on: only ever read here
PWR_D3CR = 0x58024818

RCC_RSR = 0x580244D0
RSR_FLAGS = (
    (1 << 17, "CPURSTF"),
    (1 << 19, "D1RSTF"),
    (1 << 20, "D2RSTF"),
    (1 << 21, "BORRSTF"),
    (1 << 22, "PINRSTF"),
    (1 << 23, "PORRSTF"),
    (1 << 24, "SFTRSTF"),
    (1 << 26, "IWDG1RSTF"),
    (1 << 28, "WWDG1RSTF"),
    (1 << 30, "LPWRRSTF"),
)
