/* Time from TIM2, counting half milliseconds. */
#ifndef TIMEBASE_H
#define TIMEBASE_H

#include <stdint.h>

#define TICKS_PER_MS 2u

void timebase_start(uint32_t timer_hz);
uint32_t timebase_ticks(void);
/* Waits until the counter has reached `tick`; past ticks return at once. */
void timebase_wait_until(uint32_t tick);

#endif
