/* A small battery management unit: holds its own power, shows its cells, obeys its button. */
#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "calibration.h"
#include "cells.h"
#include "clock.h"
#include "display.h"
#include "mailbox.h"
#include "pins.h"
#include "registers.h"
#include "timebase.h"
#include "watchdog.h"

#define TURN_MS 10u
#define FRAME_TURNS (100u / TURN_MS)      /* a frame every 100 ms */
#define BLINK_TURNS (500u / TURN_MS)      /* run LED: half a second on, half off */
#define LONG_PRESS_TURNS (1500u / TURN_MS)

__attribute__((section(".mailbox"))) volatile struct mailbox mailbox;

static void hold_power(void) {
    pin_clock(LATCH_PORT);
    pin_output(LATCH_PORT, LATCH_PIN, true);
}

static void start_panel(void) {
    pin_clock(LED_PORT);
    pin_output(LED_PORT, LED_RUN_PIN, true);
    pin_output(LED_PORT, LED_FAULT_PIN, false);
    pin_clock(BUTTON_PORT);
    pin_input_pull_up(BUTTON_PORT, BUTTON_PIN);
}

/* True once the button has been down for long enough; a press that began before we did does not count. */
static bool long_press(void) {
    static bool armed;
    static uint32_t turns;
    bool pressed = !pin_get(BUTTON_PORT, BUTTON_PIN);
    if (!pressed) {
        armed = true;
        turns = 0;
        mailbox.status &= ~STATUS_BUTTON;
        return false;
    }
    mailbox.status |= STATUS_BUTTON;
    return armed && ++turns >= LONG_PRESS_TURNS;
}

/* Lets the latch fall and waits for the rails to go; the watchdog must not bring us back meanwhile. */
static void switch_off(void) {
    mailbox.status |= STATUS_SWITCHING_OFF;
    pin_set(LATCH_PORT, LATCH_PIN, false);
    pin_set(LED_PORT, LED_RUN_PIN, false);
    for (uint32_t tick = timebase_ticks();; tick += TURN_MS * TICKS_PER_MS) {
        timebase_wait_until(tick);
        watchdog_feed();
    }
}

int main(void) {
    static struct readings readings;
    bool calibrated;

    mailbox.magic = MAILBOX_MAGIC;
    mailbox.alive = 0;
    mailbox.reset_cause = RCC_RSR;
    mailbox.status = 0;
    supply_start();
    hold_power();
    struct clocks clocks = clock_start();
    timebase_start(clocks.timer_hz);
    start_panel();

    const struct calibration *calibration = calibration_load(&calibrated);
    if (!calibrated) {
        mailbox.status |= STATUS_DEFAULT_CALIBRATION;
    }
    if (!cells_self_check()) {
        mailbox.status |= STATUS_FAULT;
        pin_set(LED_PORT, LED_FAULT_PIN, true);
    }
    display_start(clocks.pclk1_hz);
    watchdog_start();

    uint32_t tick = timebase_ticks();
    for (uint32_t turn = 0;; turn++) {
        mailbox.alive = turn + 1u;
        if (turn % FRAME_TURNS == 0) {
            cells_read(calibration, &readings);
            display_send(&readings, (uint8_t)mailbox.status);
        }
        pin_set(LED_PORT, LED_RUN_PIN, (turn / BLINK_TURNS) % 2u == 0);
        if (long_press()) {
            switch_off();
        }
        watchdog_feed();
        tick += TURN_MS * TICKS_PER_MS;
        timebase_wait_until(tick);
    }
}
