/* Set-up and levels of single pins. */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>
#include <stdint.h>

void pin_clock(uint32_t port);
void pin_output(uint32_t port, uint32_t pin, bool level);
void pin_input_pull_up(uint32_t port, uint32_t pin);
void pin_alternate(uint32_t port, uint32_t pin, uint32_t function);
void pin_set(uint32_t port, uint32_t pin, bool level);
bool pin_get(uint32_t port, uint32_t pin);

#endif
