@ Firmware that goes wrong in one way each, small enough to read. Every program starts at its own label; the vector
@ tables are made in unit_programs.py, which holds the bytes:
@   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -c unit_programs.S -o unit_programs.o
@   arm-none-eabi-objcopy -O binary -j NAME unit_programs.o NAME.bin

        .syntax unified
        .thumb

@ Runs in circles and feeds no watchdog.
        .section idle, "ax"
        b       .

@ An undefined instruction; with the HardFault vector on it as well, the core locks up.
        .section undefined, "ax"
        udf     #0

@ Reads where there is nothing: a precise bus fault, then the handler's endless loop (which is at offset 4).
        .section bad_read, "ax"
        ldr     r0, 1f
        ldr     r1, [r0]
        b       .
        nop
        .balign 4
1:      .word   0xA0000000              @ no device there

@ Gives PA13 and PA14 (SWDIO, SWCLK) another function: general purpose outputs.
        .section swd_pins, "ax"
        ldr     r0, 1f
        ldr     r1, [r0]
        orr     r1, #1                  @ GPIOAEN
        str     r1, [r0]
        ldr     r0, 2f
        ldr     r1, [r0]
        bic     r1, #0x3C000000
        orr     r1, #0x14000000         @ MODER13 and MODER14 = output
        str     r1, [r0]
        b       .
        .balign 4
1:      .word   0x580244E0              @ RCC_AHB4ENR
2:      .word   0x58020000              @ GPIOA_MODER

@ Enters Standby at once.
        .section standby, "ax"
        ldr     r0, 1f
        movs    r1, #7                  @ PDDS_D1, D2, D3
        str     r1, [r0]
        ldr     r0, 2f
        movs    r1, #4                  @ SLEEPDEEP
        str     r1, [r0]
        dsb
        wfi
        b       .
        .balign 4
1:      .word   0x58024810              @ PWR_CPUCR
2:      .word   0xE000ED10              @ SCB_SCR

@ Chooses the step-down converter for the core supply, on a board that has none.
        .section smps, "ax"
        ldr     r0, 1f
        movs    r1, #4                  @ SDEN
        str     r1, [r0]
        b       .
        .balign 4
1:      .word   0x5802480C              @ PWR_CR3
