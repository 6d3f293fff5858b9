/* The independent watchdog, 2 s. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

void watchdog_start(void);
void watchdog_feed(void);

#endif
