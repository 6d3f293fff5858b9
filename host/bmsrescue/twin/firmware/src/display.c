#include "display.h"

#include "pins.h"
#include "registers.h"

#define PAYLOAD_BYTES (6u + 2u * CELLS)
#define FRAME_BYTES (2u + 1u + PAYLOAD_BYTES + 2u)
#define TRIES 1000000u

static uint8_t frame[FRAME_BYTES];

void display_start(uint32_t pclk1_hz) {
    pin_clock(DISPLAY_PORT);
    pin_alternate(DISPLAY_PORT, DISPLAY_PIN, DISPLAY_ALTERNATE);
    RCC_APB1LENR |= RCC_APB1LENR_USART3EN;
    USART3_BRR = (pclk1_hz + DISPLAY_BAUD / 2u) / DISPLAY_BAUD;
    USART3_CR1 = USART3_CR1_UE | USART3_CR1_TE;
}

static uint16_t crc16_modbus(const uint8_t *data, uint32_t length) {
    uint32_t crc = 0xFFFFu;
    for (uint32_t index = 0; index < length; index++) {
        crc ^= data[index];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xA001u & -(crc & 1u));
        }
    }
    return (uint16_t)crc;
}

static uint8_t *put16(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

static void send(const uint8_t *data, uint32_t length) {
    for (uint32_t index = 0; index < length; index++) {
        for (uint32_t tries = TRIES; tries > 0 && !(USART3_ISR & USART3_ISR_TXE); tries--) {
        }
        USART3_TDR = data[index];
    }
}

void display_send(const struct readings *readings, uint8_t status) {
    uint8_t *to = frame;
    *to++ = 0x55;
    *to++ = 0xAA;
    *to++ = PAYLOAD_BYTES;
    to = put16(to, readings->pack_mv / 10u);
    to = put16(to, 0); /* current: no shunt amplifier on the bench */
    *to++ = readings->soc_percent;
    *to++ = status;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        to = put16(to, readings->cell_mv[cell]);
    }
    put16(to, crc16_modbus(frame + 2, 1u + PAYLOAD_BYTES));
    send(frame, FRAME_BYTES);
}
