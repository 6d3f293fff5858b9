#include "watchdog.h"

#include "registers.h"

#define PRESCALER_32 3u  /* LSI 32 kHz / 32 = 1 kHz */
#define RELOAD_2S 1999u

void watchdog_start(void) {
    IWDG_KR = IWDG_KEY_START;
    IWDG_KR = IWDG_KEY_UNLOCK;
    IWDG_PR = PRESCALER_32;
    IWDG_RLR = RELOAD_2S;
    IWDG_KR = IWDG_KEY_RELOAD;
}

void watchdog_feed(void) {
    IWDG_KR = IWDG_KEY_RELOAD;
}
