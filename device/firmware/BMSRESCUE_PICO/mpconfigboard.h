// Of the flash's 2 MiB the firmware gets 896 KiB, where RPI_PICO leaves 640: the agent does not fit into those.
#include "boards/RPI_PICO/mpconfigboard.h"
#undef MICROPY_HW_FLASH_STORAGE_BYTES
#define MICROPY_HW_FLASH_STORAGE_BYTES          (1152 * 1024)
