/* The firmware of generated units: one code for all of them, at any address. What differs lies in front of it as data.

   It starts as firmware of such units does: core supply, latch, clock (from a crystal, if it is told to), watchdog; and
   is alive by what one sees: the run LED blinks, the display gets a frame every 200 ms, a word in RAM counts. */
#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

#define ENTRY_OFFSET 0x280u /* of the code, from the vector table */
#define PARAMETERS_OFFSET 0x200u

#define USES_PLL (1u << 0)
#define USES_CRYSTAL (1u << 1)
#define CRYSTAL_FALLS_BACK (1u << 2)  /* to the internal oscillator, where the crystal does not start */
#define CRYSTAL_GIVES_UP (1u << 3)    /* after 100 ms, in an error handler; else it waits for ever */
#define STARTS_WATCHDOG (1u << 4)
#define WORKS_IN_INTERRUPT (1u << 5)  /* the main loop is empty */
#define SLEEPS (1u << 6)              /* the main loop is WFI */
#define FAST_200 (1u << 7)            /* 200 MHz in place of 400, and the H7Ax's voltage scaling */

struct parameters {
    uint32_t supply; /* for PWR_CR3; 0 leaves it alone */
    uint32_t flags;
    uint32_t frame_bytes;
    uint8_t frame[48];
};

#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define SYST_CSR REG32(0xE000E010u)
#define SYST_RVR REG32(0xE000E014u)
#define SYST_CVR REG32(0xE000E018u)
#define ALIVE REG32(0x2001FFE4u)
#define TURN REG32(0x2001FFE8u)
#define TICKS_PER_TURN 40u /* of TIM2, half a millisecond each */
#define TURNS_PER_FRAME 10u
#define TURNS_PER_BLINK 12u
#define LATCH_BIT 5u /* PB5 */
#define LED_BIT 2u   /* PE2 */
#define DISPLAY_BIT 8u /* PD8 */

void reset(void);
void tick(void);
void fault(void);

__attribute__((section(".entry"), naked, used)) void entry(void) {
    __asm__ volatile("b.w reset\n b.w tick\n b.w fault\n");
}

static inline const struct parameters *parameters(void) {
    return (const struct parameters *)(SCB_VTOR + PARAMETERS_OFFSET);
}

static bool wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value, uint32_t tries) {
    for (; tries > 0; tries--) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

static void output(uint32_t port, uint32_t pin, bool level) {
    GPIO_BSRR(port) = level ? 1u << pin : 1u << (pin + 16u);
    GPIO_MODER(port) = (GPIO_MODER(port) & ~(3u << (2u * pin))) | (GPIO_MODE_OUTPUT << (2u * pin));
}

/* Error_Handler() of every generated start-up. */
__attribute__((noinline, noreturn)) static void error_handler(void) {
    for (;;) {
    }
}

/* The core's clock in kHz. */
static uint32_t start_clock(uint32_t flags) {
    bool crystal = false;
    if (flags & USES_CRYSTAL) {
        RCC_CR |= RCC_CR_HSEON;
        do {
            crystal = wait_for(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY, 200000u);
            if (!crystal && (flags & CRYSTAL_GIVES_UP)) {
                error_handler();
            }
        } while (!crystal && !(flags & CRYSTAL_FALLS_BACK));
    }
    if (!(flags & USES_PLL)) {
        return 64000u;
    }
    wait_for(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY, 100000u);
    PWR_D3CR = flags & FAST_200 ? 2u << 14 : 3u << 14;
    wait_for(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY, 100000u);
    uint32_t times = flags & FAST_200 ? 400u : 800u;
    /* 64 / 4 = 16 MHz, or 25 / 5 = 5 MHz; the VCO makes 800 or 400 MHz of it. */
    RCC_PLLCKSELR = crystal ? (5u << 4) | 2u : 4u << 4;
    RCC_PLLCFGR = crystal ? (2u << 2) | (1u << 16) : (3u << 2) | (1u << 16);
    uint32_t multiply = times / (crystal ? 5u : 16u);
    RCC_PLL1DIVR = (multiply - 1u) | (1u << 9) | (1u << 16) | (1u << 24);
    RCC_CR |= RCC_CR_PLL1ON;
    if (!wait_for(&RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY, 1000000u)) {
        error_handler();
    }
    FLASH_ACR = FLASH_ACR_LATENCY_2WS;
    RCC_D1CFGR = 8u | (4u << 4);
    RCC_D2CFGR = (5u << 4) | (4u << 8);
    RCC_D3CFGR = 4u << 4;
    RCC_CFGR = RCC_CFGR_SW_PLL1;
    if (!wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL1, 100000u)) {
        error_handler();
    }
    return times * 500u;
}

static void send_frame(const struct parameters *is) {
    for (uint32_t index = 0; index < is->frame_bytes; index++) {
        wait_for(&USART3_ISR, USART3_ISR_TXE, USART3_ISR_TXE, 100000u);
        USART3_TDR = is->frame[index];
    }
}

static void work(const struct parameters *is) {
    uint32_t turn = TURN + 1u;
    TURN = turn;
    ALIVE = turn;
    if (turn % TURNS_PER_FRAME == 0) {
        send_frame(is);
    }
    if (turn % TURNS_PER_BLINK == 0) {
        output(4u, LED_BIT, turn / TURNS_PER_BLINK % 2u == 0);
    }
    if (is->flags & STARTS_WATCHDOG) {
        IWDG_KR = IWDG_KEY_RELOAD;
    }
}

__attribute__((used)) void tick(void) {
    work(parameters());
}

__attribute__((used)) void fault(void) {
    for (;;) {
    }
}

__attribute__((used)) void reset(void) {
    /* Where a bootloader has not said so, the table is where the chip booted from. */
    const struct parameters *is = parameters();
    uint32_t flags = is->flags;
    if (is->supply && (PWR_CR3 & PWR_CR3_SUPPLY_MASK) == PWR_CR3_UNCONFIGURED) {
        PWR_CR3 = is->supply;
    }
    TURN = 0;
    RCC_AHB4ENR |= (1u << 1) | (1u << 3) | (1u << 4);
    (void)RCC_AHB4ENR;
    output(1u, LATCH_BIT, true);
    output(4u, LED_BIT, true);
    uint32_t khz = start_clock(flags);
    bool pll = khz > 64000u;
    RCC_APB1LENR |= RCC_APB1LENR_TIM2EN | RCC_APB1LENR_USART3EN;
    GPIO_AFR(3u, DISPLAY_BIT) = (GPIO_AFR(3u, DISPLAY_BIT) & ~0xFu) | 7u;
    GPIO_MODER(3u) = (GPIO_MODER(3u) & ~(3u << 16)) | (GPIO_MODE_ALTERNATE << 16);
    uint32_t bus_khz = pll ? khz / 8u : khz;
    USART3_BRR = bus_khz * 10u / 1152u;
    USART3_CR1 = USART3_CR1_UE | USART3_CR1_TE;
    if (flags & STARTS_WATCHDOG) {
        IWDG_KR = IWDG_KEY_START;
        IWDG_KR = IWDG_KEY_UNLOCK;
        IWDG_PR = 3u;
        IWDG_RLR = 1999u;
        IWDG_KR = IWDG_KEY_RELOAD;
    }
    if (flags & WORKS_IN_INTERRUPT) {
        SYST_RVR = khz * 20u - 1u;
        SYST_CVR = 0;
        SYST_CSR = 7u;
        for (;;) {
            if (flags & SLEEPS) {
                __asm__ volatile("wfi");
            } else {
                for (;;) {
                }
            }
        }
    }
    TIM2_PSC = (pll ? khz / 4u : khz) / 2u - 1u;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = TIM2_EGR_UG;
    TIM2_CR1 = TIM2_CR1_CEN;
    for (uint32_t next = TIM2_CNT;;) {
        work(is);
        next += TICKS_PER_TURN;
        TIM2_CCR1 = next;
        TIM2_SR = ~TIM2_SR_CC1IF;
        /* What has passed by already would only come again after a whole round of the counter. */
        if ((int32_t)(TIM2_CNT - next) < 0) {
            while (!(TIM2_SR & TIM2_SR_CC1IF)) {
            }
        }
    }
}
