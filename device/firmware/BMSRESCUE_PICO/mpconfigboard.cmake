# A Raspberry Pi Pico with the agent in its firmware: make -C ports/rp2 BOARD_DIR=.../BMSRESCUE_PICO (docs/deploy.md).
include(${MICROPY_PORT_DIR}/boards/RPI_PICO/mpconfigboard.cmake)
set(MICROPY_BOARD_PINS ${MICROPY_PORT_DIR}/boards/RPI_PICO/pins.csv)
set(MICROPY_FROZEN_MANIFEST ${CMAKE_CURRENT_LIST_DIR}/../manifest.py)
