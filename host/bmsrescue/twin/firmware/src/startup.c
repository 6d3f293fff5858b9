/* Vector table, reset entry and the fault stop. */
#include <stdint.h>

#include "mailbox.h"
#include "registers.h"

#define EXCEPTIONS 15u
#define INTERRUPTS 163u

extern uint32_t _stack_top, _data_load, _data_start, _data_end, _bss_start, _bss_end;

int main(void);
void reset_handler(void);
void fault_handler(void);

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler exceptions[EXCEPTIONS];
    handler interrupts[INTERRUPTS];
} vectors = {
    &_stack_top,
    {[0] = reset_handler, [1 ... EXCEPTIONS - 1] = fault_handler},
    {[0 ... INTERRUPTS - 1] = fault_handler},
};

void reset_handler(void) {
    uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &_bss_start; to < &_bss_end;) {
        *to++ = 0;
    }
    SCB_VTOR = (uint32_t)&vectors;
    SCB_ICIALLU = 0;
    SCB_CCR |= SCB_CCR_IC;
    main();
    fault_handler();
}

/* Every fault and every unexpected interrupt ends here; the fault registers tell a debugger the rest. */
void fault_handler(void) {
    mailbox.status |= STATUS_FAULT;
    for (;;) {
    }
}
