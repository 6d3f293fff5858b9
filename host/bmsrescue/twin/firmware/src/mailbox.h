/* Four words at the top of DTCM that show a debugger, without halting anything, that the application is alive. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdint.h>

#define MAILBOX_MAGIC 0x41534D42u /* "BMSA" */

#define STATUS_DEFAULT_CALIBRATION (1u << 0)
#define STATUS_FAULT (1u << 1)
#define STATUS_BUTTON (1u << 2)
#define STATUS_SWITCHING_OFF (1u << 3)

struct mailbox {
    uint32_t magic;
    uint32_t alive;       /* counts main loop turns, every 10 ms */
    uint32_t reset_cause; /* RCC_RSR at start */
    uint32_t status;      /* STATUS_* bits */
};

extern volatile struct mailbox mailbox; /* 0x2001FFE0, placed by the linker script */

#endif
