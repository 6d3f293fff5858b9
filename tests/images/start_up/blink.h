/* What all of the images do: PB0 toggles, USART3 greets and echoes (115,200 baud, PD8 and PD9). */
#ifndef BLINK_H
#define BLINK_H

#include <stdint.h>

#define BAUD 115200u

void pins_start(void);
/* TEACK and REACK are waited for, as ST's driver does. */
void usart_start(uint32_t kernel_hz);
void usart_print(const char *text);
void led_toggle(void);

#endif
