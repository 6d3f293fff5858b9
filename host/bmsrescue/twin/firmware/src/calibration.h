/* The calibration block in the last sector: written once at the end of the production line, never by an update. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

#define CALIBRATION_MAGIC 0x4C414342u /* "BCAL" */
#define CALIBRATION_FORMAT 1u

struct calibration {
    uint32_t magic;
    uint16_t format;
    uint16_t length;             /* bytes before the CRC */
    char serial[32];             /* zero padded */
    uint16_t cell_gain[CELLS];   /* 1/65536 mV per ADC count */
    int16_t cell_offset_mv[CELLS];
    uint32_t crc32;              /* IEEE 802.3, over `length` bytes from the magic on */
};

/* The block if its CRC is right, otherwise defaults; `good` tells which. */
const struct calibration *calibration_load(bool *good);

#endif
