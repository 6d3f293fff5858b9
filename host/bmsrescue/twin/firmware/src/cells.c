#include "cells.h"

#include "curves.h"
#include "image_header.h"

/* What the analog front end would convert; fixed, so that the display shows the calibration at work. */
static uint32_t adc_counts(uint32_t cell) {
    return 52000u + (cell * 37u) % 101u;
}

bool cells_self_check(void) {
    const uint32_t *words = (const uint32_t *)curves;
    uint32_t sum = 0;
    for (uint32_t index = 0; index < sizeof(curves) / sizeof(uint32_t); index++) {
        sum += words[index];
    }
    return sum == image_header.curves_sum;
}

/* Where the open-circuit curve for 25 degrees reaches this voltage, by halving. */
static uint8_t state_of_charge(uint32_t cell_mv) {
    const uint16_t *curve = curves[CURVE_LFP][CURVE_25C];
    uint32_t low = 0, high = CURVE_POINTS;
    while (low < high) {
        uint32_t middle = (low + high) / 2u;
        if (curve[middle] < cell_mv) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return (uint8_t)(low * 100u / CURVE_POINTS);
}

void cells_read(const struct calibration *calibration, struct readings *readings) {
    readings->pack_mv = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        int32_t mv = (int32_t)(adc_counts(cell) * calibration->cell_gain[cell] >> 16);
        mv += calibration->cell_offset_mv[cell];
        readings->cell_mv[cell] = (uint16_t)mv;
        readings->pack_mv += (uint32_t)mv;
    }
    readings->soc_percent = state_of_charge(readings->pack_mv / CELLS);
}
