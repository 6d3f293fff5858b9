#include "blink.h"

#include "registers.h"

#define LED 0u
#define AF7_USART3 7u

void pins_start(void)
{
    RCC_AHB4ENR |= 1u << PORT_B | 1u << PORT_D;
    (void)RCC_AHB4ENR;
    GPIO(PORT_B, GPIO_MODER) = (GPIO(PORT_B, GPIO_MODER) & ~3u) | 1u;
    GPIO(PORT_D, GPIO_MODER) = (GPIO(PORT_D, GPIO_MODER) & ~(0xFu << 16)) | 0xAu << 16;
    GPIO(PORT_D, GPIO_AFRH) = (GPIO(PORT_D, GPIO_AFRH) & ~0xFFu) | AF7_USART3 << 4 | AF7_USART3;
}

void usart_start(uint32_t kernel_hz)
{
    RCC_APB1LENR |= 1u << 18;
    (void)RCC_APB1LENR;
    USART3_BRR = (kernel_hz + BAUD / 2u) / BAUD;
    USART3_CR1 = USART_UE | USART_TE | USART_RE;
    while ((USART3_ISR & (USART_TEACK | USART_REACK)) != (USART_TEACK | USART_REACK)) {
    }
}

void usart_print(const char *text)
{
    for (; *text; text++) {
        while (!(USART3_ISR & USART_TXE)) {
        }
        USART3_TDR = (uint8_t)*text;
    }
}

void led_toggle(void)
{
    GPIO(PORT_B, GPIO_BSRR) = GPIO(PORT_B, GPIO_ODR) & 1u << LED ? 1u << (LED + 16u) : 1u << LED;
}
