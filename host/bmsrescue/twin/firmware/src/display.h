/* The display's serial line. Frame format: see README.md. */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdint.h>

#include "cells.h"

void display_start(uint32_t pclk1_hz);
void display_send(const struct readings *readings, uint8_t status);

#endif
