@ Three routines for the target's own core, run from its RAM: program flash words from a ring that the debugger fills,
@ one command to the flash controller, and a look whether flash is blank. Position-independent, no stack, no calls; each
@ ends in a breakpoint.
@
@ The wire may damage a word so that no parity bit shows it. So nothing that came over it is acted upon unchecked: the
@ mailbox and the arguments carry a check word, each piece in the ring its CRC-32, and what the flash controller is told
@ to do is read back from its register before it is started.
@
@ Assembled to bytes in ../flash_loader_code.py:
@   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -c flash_loader.S -o flash_loader.o
@   arm-none-eabi-objcopy -O binary -j .text flash_loader.o flash_loader.bin

        .syntax unified
        .thumb
        .text

@ --- program ---
@ in:  r0 mailbox, r1 flash address, r2 = ~(r0 ^ r1)
@ out: r0 the flash status that ended it, or all ones: mailbox or arguments came damaged, and nothing was done
@
@ The mailbox, in words:
        .equ    DONE, 0                 @ bytes in the flash for good                     (written here)
        .equ    NOT_DONE, 4             @ the same, inverted                              (written here)
        .equ    CHECKED, 8              @ bytes of pieces that have arrived whole         (written here)
        .equ    BAD, 12                 @ how often a piece has not                       (written here)
        .equ    LENGTH, 16              @ bytes to program: it ends with them             (the debugger may shorten it)
        .equ    RING, 20                @ address of the ring, a whole number of flash words
        .equ    RING_END, 24
        .equ    SLOTS, 28               @ address of the slots, and of their end; a slot is two words:
        .equ    SLOTS_END, 32           @   the CRC-32 of a piece; bytes sent with it, counted from the beginning
        .equ    STAMP, 36               @ in the highest byte: what all slots of this run have there
        .equ    WORD, 40                @ bytes of a flash word
        .equ    BUSY, 44                @ status bits that mean busy
        .equ    ERRORS, 48              @ and an error
        .equ    WATCHDOG, 52            @ address of the watchdog's key register
        .equ    CONTROL, 56             @ address of the flash control register
        .equ    PROGRAM, 60             @ what it must hold to program
        .equ    IDLE, 64                @ and afterwards
        .equ    CHECK, 68               @ with it all words to here give all ones, exclusive-or-ed
        .equ    PIECE, 72               @ scratch: where the piece under way begins in the ring,
        .equ    PIECE_END, 76           @ and the bytes sent with it
@
@ A turn of the loop feeds the watchdog, takes one word of a piece into its CRC, and looks at the flash: so pieces are
@ checked while the flash is busy with earlier ones. Only with the controller idle and without an error the words so far
@ count as done, so that an error always belongs to the flash word at `done`. A word of ones is skipped: it stays
@ erased, and may be programmed later. A piece that has not arrived whole is looked at again until it has.
@
@ r3 done, r4 the same in the ring, r5 checked, r6 the word to be checked, r7 bytes left in its piece, r8 CRC, r9 slot

        .global program
        .thumb_func
program:
        eor     r4, r0, r1
        eor     r4, r2
        mov     r5, #0
box:
        ldr     r6, [r0, r5]
        eor     r7, r6
        adds    r5, #4
        cmp     r5, #4
        it      eq
        moveq   r7, r6                  @ the first word
        cmp     r5, #CHECK + 4
        bne     box
        mvn     r10, #0
        cmp     r4, r10
        bne     stop
        cmp     r7, r10
        bne     stop
        ldr     r10, [r0, #CONTROL]
        ldr     r11, [r0, #PROGRAM]
        str     r11, [r10]
        add     r2, r10, #4             @ the status register is the one behind it
        movs    r3, #0
        movs    r5, #0
        movs    r7, #0
        ldr     r4, [r0, #RING]
        mov     r6, r4
        ldr     r9, [r0, #SLOTS]
turn:
        ldr     r10, [r0, #WATCHDOG]
        movw    r11, #0xAAAA
        str     r11, [r10]
        cbnz    r7, check
        ldr     r10, [r9, #4]           @ is there another piece?
        ldr     r11, [r0, #STAMP]
        eor     r10, r11
        lsrs    r11, r10, #24
        bne     flash
        cmp     r10, r5
        bls     flash
        ldr     r11, [r0, #RING_END]
        ldr     r12, [r0, #RING]
        sub     r11, r12
        sub     r12, r10, r5
        tst     r12, #3
        bne     flash
        cmp     r12, r11
        bhi     flash
        dmb                             @ the slot was read before the data are
        str     r10, [r0, #PIECE_END]
        str     r6, [r0, #PIECE]
        mov     r7, r12
        mvn     r8, #0
check:
        ldr     r10, [r6], #4
        eor     r8, r10
        adr     r11, table
        mov     r12, #8
nibble:
        and     lr, r8, #15
        ldr     lr, [r11, lr, lsl #2]
        eor     r8, lr, r8, lsr #4
        subs    r12, #1
        bne     nibble
        ldr     r10, [r0, #RING_END]
        cmp     r6, r10
        it      eq
        ldreq   r6, [r0, #RING]
        subs    r7, #4
        beq     whole
        cmp     r3, r5
        bhs     check                   @ nothing else to do
        b       flash
whole:
        ldr     r10, [r9]
        mvn     r11, r8
        cmp     r10, r11
        bne     bad
        ldr     r5, [r0, #PIECE_END]
        str     r5, [r0, #CHECKED]
        adds    r9, #8
        ldr     r10, [r0, #SLOTS_END]
        cmp     r9, r10
        it      eq
        ldreq   r9, [r0, #SLOTS]
        b       flash
bad:
        ldr     r10, [r0, #BAD]
        adds    r10, #1
        str     r10, [r0, #BAD]
        ldr     r6, [r0, #PIECE]
flash:
        ldr     r10, [r2]
        ldr     r11, [r0, #BUSY]
        tst     r10, r11
        bne     turn
        ldr     r11, [r0, #ERRORS]
        tst     r10, r11
        bne     end                     @ the word at `done` failed
        mvn     r11, r3
        str     r3, [r0, #DONE]
        str     r11, [r0, #NOT_DONE]
        ldr     r11, [r0, #LENGTH]
        cmp     r3, r11
        bhs     end
        cmp     r3, r5
        bhs     turn                    @ nothing checked that is not done
        ldr     r12, [r0, #WORD]
        mov     r11, r12
        mvn     r10, #0
ones:
        subs    r11, #4
        ldr     lr, [r4, r11]
        and     r10, lr
        bne     ones                    @ until r11 is 0: `and` leaves the flags alone
        adds    r10, #1
        beq     next                    @ all ones
copy:
        ldr     r10, [r4, r11]
        str     r10, [r1, r11]
        adds    r11, #4
        cmp     r11, r12
        bne     copy
        dsb                             @ the whole word is with the controller before its status is looked at
next:
        add     r1, r12
        add     r3, r12
        add     r4, r12
        ldr     r10, [r0, #RING_END]
        cmp     r4, r10
        it      eq
        ldreq   r4, [r0, #RING]
        b       turn
end:
        ldr     r11, [r0, #CONTROL]
        ldr     r12, [r0, #IDLE]
        str     r12, [r11]
stop:
        mov     r0, r10
        bkpt    #0

@ --- command ---
@ in:  r0 address of the flash control register, the status register behind it, r1 what it must hold first, r2 the bits
@      that start it, r3 = ~(r0 ^ r1 ^ r2)
@ out: r0 the flash status after it, or all ones: arguments or register were not right, and nothing was started
        .balign 4
        .global command
        .thumb_func
command:
        eor     r4, r0, r1
        eor     r4, r2
        mvn     r4, r4
        cmp     r4, r3
        bne     refuse
        str     r1, [r0]
        ldr     r4, [r0]
        cmp     r4, r1
        bne     refuse
        cbz     r2, told
        orr     r1, r2
        str     r1, [r0]
told:
        ldr     r0, [r0, #4]
        bkpt    #0
refuse:
        mvn     r0, #0
        bkpt    #0

@ --- blank ---
@ in:  r0 address, r1 end, whole words
@ out: r0 the end, or the address behind the first word that is not all ones
        .balign 4
        .global blank
        .thumb_func
blank:
another:
        ldr     r2, [r0], #4
        adds    r2, #1
        bne     looked
        cmp     r0, r1
        bne     another
looked:
        bkpt    #0

@ CRC-32 by half bytes.
        .balign 4
table:
        .word   0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C
        .word   0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C
