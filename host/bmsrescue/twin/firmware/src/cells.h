/* Cell voltages and state of charge. */
#ifndef CELLS_H
#define CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "calibration.h"

struct readings {
    uint16_t cell_mv[CELLS];
    uint32_t pack_mv;
    uint8_t soc_percent;
};

/* The curves are what they were when the image was built. */
bool cells_self_check(void);
void cells_read(const struct calibration *calibration, struct readings *readings);

#endif
