/* What the board hangs on which pin. Kept in step with PINS in __init__.py. */
#ifndef BOARD_H
#define BOARD_H

enum port { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E };

#define LATCH_PORT PORT_B /* PB5: high holds the power latch, low lets it fall */
#define LATCH_PIN 5u
#define BUTTON_PORT PORT_C /* PC13: power button to ground, pull-up */
#define BUTTON_PIN 13u
#define LED_PORT PORT_E
#define LED_RUN_PIN 2u   /* PE2: run */
#define LED_FAULT_PIN 3u /* PE3: fault */
#define DISPLAY_PORT PORT_D /* PD8: USART3_TX, alternate function 7 */
#define DISPLAY_PIN 8u
#define DISPLAY_ALTERNATE 7u
#define DISPLAY_BAUD 115200u

#ifndef CALIBRATION_ADDRESS
#define CALIBRATION_ADDRESS 0x080E0000u /* last sector; not part of the image */
#endif

#define CELLS 16u

#endif
