/* The way of ST's CMSIS start-up and HAL: SystemInit, then main with MPU, caches, supply, crystal and PLL.
 *
 * SysTick counts milliseconds and toggles the pin, the USART echoes by interrupt, and both use floating point, so that
 * contexts are stacked. 400 MHz at VOS1, as both dies can.
 */
#include "blink.h"
#include "registers.h"

#define CORE_HZ 400000000u
#define APB1_HZ 100000000u
#define BLINK_MS 100u
#define DEFAULT_LATENCY 7u
#define WAIT_STATES_400MHZ 0x24u
#define REV_X 0x20000000u

extern uint32_t _stack, _data, _data_end, _data_load, _bss, _bss_end;
extern void (*_constructors[])(void), (*_constructors_end[])(void);

int main(void);
void reset_handler(void);
static void default_handler(void);
static void systick_handler(void);
static void usart3_handler(void);

typedef void (*handler_t)(void);
__attribute__((section(".vectors"), used)) static const handler_t vectors[16 + 163] = {
    (handler_t)&_stack, reset_handler,
    [2 ... 14] = default_handler,
    [15] = systick_handler,
    [16 ... 16 + USART3_IRQ - 1] = default_handler,
    [16 + USART3_IRQ] = usart3_handler,
    [16 + USART3_IRQ + 1 ... 16 + 162] = default_handler,
};

static volatile uint32_t ticks;
static volatile float seconds;
static uint32_t kept = 0xC0FFEE00u;
static uint32_t constructed;

static void default_handler(void)
{
    for (;;) {
    }
}

static void systick_handler(void)
{
    ticks++;
    seconds = seconds + 0.001f;
    if (ticks % BLINK_MS == 0u) {
        led_toggle();
    }
}

static void usart3_handler(void)
{
    while (USART3_ISR & USART_RXNE) {
        USART3_TDR = USART3_RDR;
    }
}

__attribute__((constructor)) static void construct(void)
{
    constructed = kept;
}

static void system_init(void)
{
    SCB_CPACR |= 0xFu << 20;
    if ((FLASH_ACR & 0xFu) < DEFAULT_LATENCY) {
        FLASH_ACR = (FLASH_ACR & ~0xFu) | DEFAULT_LATENCY;
    }
    RCC_CR |= RCC_CR_HSION;
    RCC_CFGR = 0;
    RCC_CR &= 0xEAF6ED7Fu;
    if ((FLASH_ACR & 0xFu) > DEFAULT_LATENCY) {
        FLASH_ACR = (FLASH_ACR & ~0xFu) | DEFAULT_LATENCY;
    }
    RCC_D1CFGR = 0;
    RCC_D2CFGR = 0;
    RCC_D3CFGR = 0;
    RCC_PLLCKSELR = 0x02020200u;
    RCC_PLLCFGR = 0x01FF0000u;
    RCC_PLL1DIVR = 0x01010280u;
    RCC_PLL1FRACR = 0;
    RCC_PLL2DIVR = 0x01010280u;
    RCC_PLL2FRACR = 0;
    RCC_PLL3DIVR = 0x01010280u;
    RCC_PLL3FRACR = 0;
    RCC_CR &= 0xFFFBFFFFu;
    RCC_CIER = 0;
    if ((DBGMCU_IDCODE & 0xFFFF0000u) < REV_X) {
        GPV_TARGET7_ISSUING = 1;
    }
    RCC_AHB2ENR |= 3u << 29;
    (void)RCC_AHB2ENR;
    /* With the memory controller's clock off, as it is after reset: the write must do no harm. */
    FMC_BCR1 = 0x000030D2u;
    SCB_VTOR = (uint32_t)vectors;
}

__attribute__((noreturn)) void reset_handler(void)
{
    __asm volatile("mov sp, %0" ::"r"(&_stack));
    system_init();
    for (uint32_t *from = &_data_load, *to = &_data; to < &_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &_bss; to < &_bss_end;) {
        *to++ = 0;
    }
    for (void (**constructor)(void) = _constructors; constructor < _constructors_end; constructor++) {
        (*constructor)();
    }
    main();
    for (;;) {
    }
}

static void mpu_start(void)
{
    __asm volatile("dmb");
    SCB_SHCSR &= ~(1u << 16);
    MPU_CTRL = 0;
    MPU_RNR = 0;
    MPU_RBAR = 0;
    MPU_RASR = 1u << 28 | 0x87u << 8 | 31u << 1 | 1u;
    MPU_CTRL = 5;
    SCB_SHCSR |= 1u << 16;
    __asm volatile("dsb\n isb");
}

static void caches_start(void)
{
    __asm volatile("dsb\n isb");
    SCB_ICIALLU = 0;
    SCB_CCR |= SCB_CCR_IC;
    SCB_CSSELR = 0;
    __asm volatile("dsb");
    uint32_t size = SCB_CCSIDR;
    for (uint32_t set = (size >> 13 & 0x7FFFu) + 1u; set-- > 0u;) {
        for (uint32_t way = (size >> 3 & 0x3FFu) + 1u; way-- > 0u;) {
            SCB_DCISW = set << 5 | way << 30;
        }
    }
    SCB_CCR |= SCB_CCR_DC;
    __asm volatile("dsb\n isb");
}

static void clock_start(void)
{
    PWR_CR3 = (PWR_CR3 & ~7u) | 2u;
    while (!(PWR_CSR1 & PWR_VOSRDY)) {
    }
    PWR_D3CR = (PWR_D3CR & ~(3u << 14)) | 3u << 14;
    (void)PWR_D3CR;
    while (!(PWR_D3CR & PWR_VOSRDY)) {
    }
    RCC_CR |= RCC_CR_HSEON;
    while (!(RCC_CR & RCC_CR_HSERDY)) {
    }
    /* 25 MHz / 5 * 160 / 2 = 400 MHz; HCLK 200 MHz, all APBs 100 MHz. */
    RCC_PLLCKSELR = (RCC_PLLCKSELR & ~0x3F3u) | 5u << 4 | 2u;
    RCC_PLL1DIVR = 1u << 24 | 3u << 16 | 1u << 9 | 159u;
    RCC_PLLCFGR = (RCC_PLLCFGR & ~0xFu) | 2u << 2;
    RCC_CR |= RCC_CR_PLL1ON;
    while (!(RCC_CR & RCC_CR_PLL1RDY)) {
    }
    FLASH_ACR = WAIT_STATES_400MHZ;
    while ((FLASH_ACR & 0xFu) != (WAIT_STATES_400MHZ & 0xFu)) {
    }
    RCC_D1CFGR = 4u << 4 | 8u;
    RCC_D2CFGR = 4u << 8 | 4u << 4;
    RCC_D3CFGR = 4u << 4;
    RCC_CFGR = (RCC_CFGR & ~7u) | 3u;
    while ((RCC_CFGR >> 3 & 7u) != 3u) {
    }
}

int main(void)
{
    mpu_start();
    caches_start();
    SCB_AIRCR = 0x05FA0000u | 3u << 8;
    SYST_RVR = 64000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = 7;
    RCC_APB4ENR |= 2u;
    clock_start();
    SYST_RVR = CORE_HZ / 1000u - 1u;
    SYST_CVR = 0;
    pins_start();
    usart_start(APB1_HZ);
    usart_print(kept == 0xC0FFEE00u && constructed == kept ? "cmsis: main\r\n" : "cmsis: no data\r\n");
    USART3_CR1 |= USART_RXNE;
    NVIC_ISER1 = 1u << (USART3_IRQ - 32);
    float sum = 0.0f;
    for (;;) {
        /* Exact in binary: an interrupt that spoils a register shows. */
        for (uint32_t step = 0; step < 1000u; step++) {
            sum += 0.5f;
        }
        if (sum != 500.0f) {
            usart_print("cmsis: a register was spoiled\r\n");
        }
        sum = 0.0f;
        __asm volatile("wfi");
    }
}
