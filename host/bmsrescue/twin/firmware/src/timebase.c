#include "timebase.h"

#include "registers.h"

void timebase_start(uint32_t timer_hz) {
    RCC_APB1LENR |= RCC_APB1LENR_TIM2EN;
    TIM2_PSC = timer_hz / (1000u * TICKS_PER_MS) - 1u;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = TIM2_EGR_UG;
    TIM2_CR1 = TIM2_CR1_CEN;
}

uint32_t timebase_ticks(void) {
    return TIM2_CNT;
}

void timebase_wait_until(uint32_t tick) {
    while ((int32_t)(TIM2_CNT - tick) < 0) {
    }
}
