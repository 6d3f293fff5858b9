#include "pins.h"

#include "registers.h"

static void set_mode(uint32_t port, uint32_t pin, uint32_t mode) {
    GPIO_MODER(port) = (GPIO_MODER(port) & ~(3u << (2u * pin))) | (mode << (2u * pin));
}

void pin_clock(uint32_t port) {
    RCC_AHB4ENR |= 1u << port;
    (void)RCC_AHB4ENR; /* the clock needs two cycles: errata, delay after an enable */
}

void pin_output(uint32_t port, uint32_t pin, bool level) {
    /* Level first, so that the pin never drives the wrong one. */
    pin_set(port, pin, level);
    set_mode(port, pin, GPIO_MODE_OUTPUT);
}

void pin_input_pull_up(uint32_t port, uint32_t pin) {
    GPIO_PUPDR(port) = (GPIO_PUPDR(port) & ~(3u << (2u * pin))) | (GPIO_PULL_UP << (2u * pin));
    set_mode(port, pin, GPIO_MODE_INPUT);
}

void pin_alternate(uint32_t port, uint32_t pin, uint32_t function) {
    uint32_t shift = 4u * (pin % 8u);
    GPIO_AFR(port, pin) = (GPIO_AFR(port, pin) & ~(0xFu << shift)) | (function << shift);
    set_mode(port, pin, GPIO_MODE_ALTERNATE);
}

void pin_set(uint32_t port, uint32_t pin, bool level) {
    GPIO_BSRR(port) = level ? 1u << pin : 1u << (pin + 16u);
}

bool pin_get(uint32_t port, uint32_t pin) {
    return (GPIO_IDR(port) >> pin) & 1u;
}
