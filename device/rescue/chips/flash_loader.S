@ Programs flash words from a ring in RAM, run by the target's own core while the debugger fills the ring.
@ Position-independent, no stack, no calls; ends in a breakpoint.
@
@ in:  r0 mailbox, r1 flash address, r2 address of the flash status register
@ out: r0 the flash status that ended it; in the mailbox how many bytes are in the flash for good
@
@ The mailbox, in words; the ring follows at +32:
@   +0  sent: bytes that are in the ring, counted from the beginning   (the debugger writes it)
@   +4  done: bytes that are programmed                               (this routine writes it)
@   +8  bytes to program: it ends with them                           (the debugger may shorten it)
@   +12 bytes of the ring, a whole number of flash words
@   +16 bytes of a flash word
@   +20 status bits that mean busy      +24 status bits that mean an error
@   +28 address of the watchdog's key register
@
@ A turn of the loop feeds the watchdog and looks at the status. Only with the controller idle and without an error the
@ words so far count as done, so that an error always belongs to the flash word at `done`. A word of ones is skipped: it
@ stays erased, and may be programmed later.
@
@ Assembled to bytes in h7_flash_loader.py:
@   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -c flash_loader.S -o flash_loader.o
@   arm-none-eabi-objcopy -O binary -j .text flash_loader.o flash_loader.bin

        .syntax unified
        .thumb
        .text
        .global program
        .thumb_func
program:
        movs    r4, #0                  @ bytes done
        movs    r5, #0                  @ the same, as an offset in the ring
        ldr     r3, [r0, #12]           @ ring
        ldr     r7, [r0, #16]           @ flash word
        ldr     r11, [r0, #20]          @ busy
        ldr     r12, [r0, #24]          @ errors
        ldr     lr, [r0, #28]           @ watchdog
turn:
        movw    r10, #0xAAAA
        str     r10, [lr]
        ldr     r8, [r2]
        tst     r8, r11
        bne     turn                    @ busy
        tst     r8, r12
        bne     end                     @ the word at `done` failed
        str     r4, [r0, #4]
        ldr     r6, [r0, #8]
        cmp     r4, r6
        beq     end
        ldr     r6, [r0]
        cmp     r6, r4
        beq     turn                    @ nothing sent that is not done
        dmb                             @ `sent` was read before the data are
        add     r6, r0, #32
        add     r6, r5
        mvn     r8, #0
        mov     r9, r7
ones:
        subs    r9, #4
        ldr     r10, [r6, r9]
        and     r8, r10
        bne     ones                    @ until r9 is 0: `and` leaves the flags alone
        adds    r8, #1
        beq     next                    @ all ones
copy:
        ldr     r10, [r6, r9]
        str     r10, [r1, r9]
        adds    r9, #4
        cmp     r9, r7
        bne     copy
        dsb                             @ the whole word is with the controller before its status is looked at
next:
        add     r1, r7
        add     r4, r7
        add     r5, r7
        cmp     r5, r3
        it      eq
        moveq   r5, #0
        b       turn
end:
        mov     r0, r8
        bkpt    #0
