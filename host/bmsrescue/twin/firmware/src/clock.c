#include "clock.h"

#include <stdbool.h>

#include "registers.h"

#define TRIES 100000u

/* HSI 64 MHz / 4 = 16 MHz, x 50 = 800 MHz, / 2 = 400 MHz; the H7Ax goes to 225 MHz at VOS1: x 25, / 2 = 200 MHz. */
#ifdef STM32H7AX
#define PLL_N 25u
#else
#define PLL_N 50u
#endif
#define CORE_HZ (16000000u * PLL_N / 2u)
#define PLLCKSELR_HSI_DIV4 (4u << 4)
#define PLLCFGR_16MHZ_DIVP ((3u << 2) | (1u << 16))
#define PLL1DIVR_N_P2 ((PLL_N - 1u) | ((2u - 1u) << 9) | ((2u - 1u) << 16) | ((2u - 1u) << 24))
#define D1CFGR_HCLK_DIV2_APB3_DIV2 (8u | (4u << 4))
#define D2CFGR_APB1_DIV4_APB2_DIV2 ((5u << 4) | (4u << 8))
#define D3CFGR_APB4_DIV2 (4u << 4)

static bool wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value) {
    for (uint32_t tries = TRIES; tries > 0; tries--) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

void supply_start(void) {
    if ((PWR_CR3 & PWR_CR3_SUPPLY_MASK) == PWR_CR3_UNCONFIGURED) {
        PWR_CR3 = PWR_CR3_LDO;
    }
}

struct clocks clock_start(void) {
    const struct clocks hsi = {.timer_hz = 64000000u, .pclk1_hz = 64000000u};
    const struct clocks pll = {.timer_hz = CORE_HZ / 4u, .pclk1_hz = CORE_HZ / 8u};

    if (!wait_for(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY)) {
        return hsi;
    }
    PWR_D3CR = PWR_D3CR_VOS1;
    if (!wait_for(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY)) {
        return hsi;
    }
    RCC_PLLCKSELR = PLLCKSELR_HSI_DIV4;
    RCC_PLLCFGR = PLLCFGR_16MHZ_DIVP;
    RCC_PLL1DIVR = PLL1DIVR_N_P2;
    RCC_CR |= RCC_CR_PLL1ON;
    if (!wait_for(&RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY)) {
        return hsi;
    }
    FLASH_ACR = FLASH_ACR_LATENCY_2WS;
    RCC_D1CFGR = D1CFGR_HCLK_DIV2_APB3_DIV2;
    RCC_D2CFGR = D2CFGR_APB1_DIV4_APB2_DIV2;
    RCC_D3CFGR = D3CFGR_APB4_DIV2;
    RCC_CFGR = RCC_CFGR_SW_PLL1;
    if (!wait_for(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL1)) {
        /* The bus dividers stand, the source is still HSI: 64 / 2 / 4 MHz. */
        return (struct clocks){.timer_hz = 16000000u, .pclk1_hz = 8000000u};
    }
    return pll;
}
