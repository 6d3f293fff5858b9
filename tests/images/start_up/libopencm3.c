/* The way of libopencm3: data and constructors first, then the floating-point unit, clocks by a table's values.
 *
 * Its registers are read, changed and written bit by bit, from the internal oscillator to the PLL. A SysTick that is
 * asked for its flag times the pin, and the echo is polled.
 */
#include "blink.h"
#include "registers.h"

#define CORE_HZ 240000000u
#define APB1_HZ 120000000u
#define BLINK_MS 100u

extern uint32_t _stack, _data, _data_end, _data_load, _bss, _bss_end;
extern void (*_constructors[])(void), (*_constructors_end[])(void);

int main(void);
void reset_handler(void);
static void blocking_handler(void);
static void null_handler(void);

typedef void (*handler_t)(void);
__attribute__((section(".vectors"), used)) static const handler_t vectors[16 + 150] = {
    (handler_t)&_stack,
    reset_handler,
    null_handler,
    blocking_handler,
    blocking_handler,
    blocking_handler,
    blocking_handler,
    [7 ... 10] = 0,
    [11] = null_handler,
    [12] = null_handler,
    [13] = 0,
    [14] = null_handler,
    [15] = null_handler,
    [16 ... 16 + 149] = blocking_handler,
};

static uint32_t kept = 0xC0FFEE00u;
static uint32_t constructed;

static void blocking_handler(void)
{
    for (;;) {
    }
}

static void null_handler(void)
{
}

__attribute__((constructor)) static void construct(void)
{
    constructed = kept;
}

void reset_handler(void)
{
    uint32_t *from = &_data_load, *to = &_data;
    for (; to < &_data_end; from++, to++) {
        *(volatile uint32_t *)to = *from;
    }
    for (to = &_bss; to < &_bss_end; to++) {
        *(volatile uint32_t *)to = 0;
    }
    SCB_CCR |= SCB_CCR_STKALIGN;
    SCB_CPACR |= 0xFu << 20;
    for (void (**constructor)(void) = _constructors; constructor < _constructors_end; constructor++) {
        (*constructor)();
    }
    main();
}

static void select_sysclk(uint32_t source)
{
    RCC_CFGR = (RCC_CFGR & ~7u) | source;
    while ((RCC_CFGR >> 3 & 7u) != source) {
    }
}

static void clock_setup_pll(void)
{
    RCC_CR |= RCC_CR_HSION;
    while (!(RCC_CR & RCC_CR_HSIRDY)) {
    }
    select_sysclk(0);
    RCC_CR &= ~(RCC_CR_PLL1ON | 1u << 26 | 1u << 28);
    PWR_CR3 = (PWR_CR3 & ~7u) | 2u;
    while (!(PWR_CSR1 & PWR_VOSRDY)) {
    }
    PWR_D3CR = (PWR_D3CR & ~(3u << 14)) | 3u << 14;
    while (!(PWR_D3CR & PWR_VOSRDY)) {
    }
    RCC_D1CFGR = 0;
    RCC_D1CFGR |= 4u << 4;
    RCC_D2CFGR = 0;
    RCC_D2CFGR |= 4u << 8 | 4u << 4;
    RCC_D3CFGR &= 0;
    RCC_D3CFGR |= 4u << 4;
    /* 64 MHz / 8 * 60 / 2 = 240 MHz. */
    RCC_PLLCKSELR = 8u << 4;
    RCC_PLLCFGR = 0;
    RCC_PLL1DIVR = 0;
    RCC_PLL1DIVR |= 59u;
    RCC_PLLCFGR |= 3u << 2;
    RCC_PLL1DIVR |= 1u << 9;
    RCC_PLLCFGR |= 1u << 16;
    RCC_CR |= RCC_CR_PLL1ON;
    while (!(RCC_CR & RCC_CR_PLL1RDY)) {
    }
    FLASH_ACR = 0x24u;
    while (FLASH_ACR != 0x24u) {
    }
    select_sysclk(3);
}

int main(void)
{
    clock_setup_pll();
    pins_start();
    usart_start(APB1_HZ);
    SYST_RVR = CORE_HZ / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = 5;
    usart_print(kept == 0xC0FFEE00u && constructed == kept ? "libopencm3: main\r\n" : "libopencm3: no data\r\n");
    for (uint32_t ms = 1;; ms++) {
        while (!(SYST_CSR & SYST_COUNTFLAG)) {
            if (USART3_ISR & USART_RXNE) {
                USART3_TDR = USART3_RDR;
            }
        }
        if (ms % BLINK_MS == 0u) {
            led_toggle();
        }
    }
}
