/* Two vectors and main: the reset clock, no variables, the time from counted instructions. */
#include "blink.h"
#include "registers.h"

#define HSI_HZ 64000000u
#define TURNS 100000u

extern uint32_t _stack;

__attribute__((noreturn)) void main(void);

typedef void (*handler_t)(void);
__attribute__((section(".vectors"), used)) static const handler_t vectors[2] = {(handler_t)&_stack, (handler_t)main};

void main(void)
{
    pins_start();
    usart_start(HSI_HZ);
    usart_print("bare: main\r\n");
    for (;;) {
        for (uint32_t turn = 0; turn < TURNS; turn++) {
            __asm volatile("nop");
        }
        led_toggle();
        if (USART3_ISR & USART_RXNE) {
            USART3_TDR = USART3_RDR;
        }
    }
}
