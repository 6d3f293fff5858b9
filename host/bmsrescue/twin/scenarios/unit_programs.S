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

@ In front of an application: asks for the crystal and waits for it for ever, then goes on at the application's entry.
        .section crystal, "ax"
        ldr     r0, 1f
        ldr     r1, [r0]
        orr     r1, #0x10000            @ HSEON
        str     r1, [r0]
0:      ldr     r1, [r0]
        tst     r1, #0x20000            @ HSERDY
        beq     0b
        ldr     r0, 2f
        bx      r0
        .balign 4
1:      .word   0x58024400              @ RCC_CR
2:      .word   0                       @ the application's entry, put in by image_fronts.py

@ In front of an application: chooses the step-down converter for the core supply, once per power-on.
        .section other_supply, "ax"
        ldr     r0, 1f
        movs    r1, #4                  @ SDEN
        str     r1, [r0]
        ldr     r0, 2f
        bx      r0
        .balign 4
1:      .word   0x5802480C              @ PWR_CR3
2:      .word   0                       @ the application's entry, put in by image_fronts.py

@ In front of an application: counts down, two cycles a round, then starts it.
        .section counts, "ax"
        ldr     r0, 2f
1:      subs    r0, #1
        bne     1b
        ldr     r0, 3f
        bx      r0
        nop
        .balign 4
2:      .word   0                       @ rounds
3:      .word   0                       @ the application's entry; both put in by image_fronts.py

@ A vendor's bootloader: waits for an update on USART3 while its flag in flash is set, else starts the application.
        .section bootloader, "ax"
        ldr     r0, flag_at
        ldr     r1, [r0]
        ldr     r2, flag_set
        cmp     r1, r2
        bne     3f
        ldr     r0, apb1lenr
        ldr     r1, [r0]
        orr     r1, #0x40000            @ USART3EN
        str     r1, [r0]
        ldr     r0, usart3
        movs    r1, #5                  @ UE, RE
        str     r1, [r0]
2:      ldr     r1, [r0, #0x1C]         @ ISR
        tst     r1, #0x20               @ RXNE
        beq     2b
3:      ldr     r0, application
        ldr     r1, vtor
        str     r0, [r1]
        ldr     r1, [r0]
        mov     sp, r1
        ldr     r1, [r0, #4]
        bx      r1
        .balign 4
flag_at:     .word 0x080A0000
flag_set:    .word 0xB007F1A6
apb1lenr:    .word 0x580244E8           @ RCC_APB1LENR
usart3:      .word 0x40004800           @ CR1
application: .word 0x08000000
vtor:        .word 0xE000ED08           @ SCB_VTOR
