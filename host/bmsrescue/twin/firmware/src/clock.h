/* Supply and clock tree. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

struct clocks {
    uint32_t timer_hz; /* kernel clock of TIM2 */
    uint32_t pclk1_hz; /* kernel clock of USART3 */
};

/* Selects the core supply this board is wired for: the LDO. It can be done once after power-on. */
void supply_start(void);

/* 400 MHz from the PLL; if anything in that does not come ready, the 64 MHz of the HSI remain. */
struct clocks clock_start(void);

#endif
