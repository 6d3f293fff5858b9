@ SHA-256 (FIPS 180-4) of a memory range and the blank end of another, run by the target's own core from RAM.
@ Position-independent, no calls; ends in a breakpoint. Works on flash and RAM; any address and length of the hash.
@
@ in:  sp the job, in words; below it this routine takes 432 bytes:
@   +0  address
@   +4  bytes to look for the blank end in, from there: a multiple of 16, the address too; 0 for none
@   +8  bytes to hash, from there; 0 for none
@ out: r0, and +12, the address where nothing but ones follows, in steps of 16 bytes: the address itself where all is blank
@   +16 the digest, 32 bytes as they are written; not made where all that was looked at is blank
@
@ Every byte of both ranges is read, so that a flash word that cannot be read faults. The watchdog is fed on the way.
@
@ Assembled to bytes in ../digest_code.py:
@   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -c target_digest.S -o target_digest.o
@   arm-none-eabi-objcopy -O binary -j .text target_digest.o target_digest.bin

        .syntax unified
        .thumb

        .equ    W, 0                    @ the message schedule: 64 words
        .equ    LAST, 256               @ the end of the message with its padding: 128 bytes
        .equ    AT, 384                 @ the next block
        .equ    END, 388                @ where the message ends
        .equ    PADDED, 392             @ whether that is in LAST
        .equ    LOCAL, 400              @ 32 bytes more are pushed
        .equ    ADDRESS, LOCAL
        .equ    LOOK, LOCAL + 4
        .equ    LENGTH, LOCAL + 8
        .equ    BLANK, LOCAL + 12
        .equ    STATE, LOCAL + 16

        .text
        .global digest
        .thumb_func
digest:
        sub     sp, #LOCAL
        ldr     r0, [sp, #ADDRESS]
        ldr     r1, [sp, #LOOK]
        mov     r6, r0                  @ nothing seen that is not blank
        add     r1, r0
        b       look_on
look:
        ldmia   r0!, {r2, r3, r4, r5}
        and     r2, r3
        and     r4, r5
        and     r2, r4
        adds    r2, #1
        it      ne
        movne   r6, r0
look_on:
        cmp     r0, r1
        bne     look
        str     r6, [sp, #BLANK]

        ldr     r0, [sp, #ADDRESS]
        ldr     r1, [sp, #LOOK]
        ldr     r2, [sp, #LENGTH]
        cbz     r2, stop
        cbz     r1, begin
        cmp     r6, r0
        bne     begin
stop:
        mov     r0, r6
        bkpt    #0

begin:
        str     r0, [sp, #AT]
        add     r0, r2
        str     r0, [sp, #END]
        movs    r0, #0
        str     r0, [sp, #PADDED]
        adr     r0, constants
        ldm     r0, {r4-r11}
        add     r0, sp, #STATE
        stm     r0, {r4-r11}

next:
        ldr     r0, [sp, #AT]
        ldr     r1, [sp, #END]
        subs    r2, r1, r0
        cmp     r2, #64
        bhs     block
        ldr     r3, [sp, #PADDED]
        cbz     r3, pad

        add     r1, sp, #STATE          @ the words as bytes
        add     r2, r1, #32
swap:
        ldr     r0, [r1]
        rev     r0, r0
        str     r0, [r1], #4
        cmp     r1, r2
        bne     swap
        ldr     r6, [sp, #BLANK]
        b       stop

pad:    @ what is left, a one, zeros, the length in bits: one block or two
        add     r3, sp, #LAST
        str     r3, [sp, #AT]
        str     r3, [sp, #PADDED]
        b       copy_on
copy:
        ldrb    r2, [r0], #1
        strb    r2, [r3], #1
copy_on:
        cmp     r0, r1
        bne     copy
        movs    r2, #0x80
        add     r12, sp, #LAST
zeros:
        strb    r2, [r3], #1
        movs    r2, #0
        sub     r0, r3, r12
        and     r0, #63
        cmp     r0, #56
        bne     zeros
        ldr     r0, [sp, #LENGTH]
        lsr     r1, r0, #29
        lsl     r0, #3
        rev     r1, r1
        rev     r0, r0
        str     r1, [r3], #4
        str     r0, [r3], #4
        str     r3, [sp, #END]
        b       next

block:
        tst     r0, #0xFC0
        ittt    eq                      @ once in 4 KiB
        movweq  r1, #0xAAAA
        ldreq   r2, watchdog
        streq   r1, [r2]
        mov     r3, sp
        add     r2, r0, #64
        str     r2, [sp, #AT]
words:
        .rept   4
        ldr     r1, [r0], #4
        rev     r1, r1
        str     r1, [r3], #4
        .endr
        cmp     r0, r2
        bne     words

        @ The schedule: r4 and r5 are the two words before the next one, r0 the one 16 before it.
        ldr     r4, [r3, #-8]
        ldr     r5, [r3, #-4]
        ldr     r0, [r3, #-64]
        add     r12, sp, #LAST
        .macro  schedule newest, before16, before15
        ldr     \before15, [r3, #-60]
        ror     r6, \before15, #7
        eor     r6, r6, \before15, ror #18
        eor     r6, r6, \before15, lsr #3
        ror     r7, \newest, #17
        eor     r7, r7, \newest, ror #19
        eor     \newest, r7, \newest, lsr #10
        ldr     r7, [r3, #-28]
        add     \newest, r6
        add     r7, \before16
        add     \newest, r7
        str     \newest, [r3], #4
        .endm
schedule_on:
        schedule r4, r0, r1
        schedule r5, r1, r0
        cmp     r3, r12
        bne     schedule_on

        mov     r3, sp
        adr     r12, rounds
        add     r0, sp, #STATE
        ldm     r0, {r4-r11}
        eor     r2, r5, r6
        @ h holds its word and constant already; \prev is b ^ c, \this becomes a ^ b.
        .macro  round a, b, c, d, e, f, g, h, prev, this
        eor     r0, \f, \g
        and     r0, \e
        eor     r0, \g
        add     \h, r0
        eor     r0, \e, \e, ror #5
        eor     r0, r0, \e, ror #19
        add     \h, \h, r0, ror #6
        add     \d, \h
        eor     \this, \a, \b
        and     \prev, \this
        eor     \prev, \b
        add     \h, \prev
        eor     r0, \a, \a, ror #11
        eor     r0, r0, \a, ror #20
        add     \h, \h, r0, ror #2
        .endm
        .macro  two_rounds a, b, c, d, e, f, g, h
        ldrd    r0, r1, [r3], #8
        add     \h, r0
        ldrd    r0, lr, [r12], #8
        add     \h, r0
        add     r1, lr
        round   \a, \b, \c, \d, \e, \f, \g, \h, r2, lr
        add     \g, r1
        round   \h, \a, \b, \c, \d, \e, \f, \g, lr, r2
        .endm
four_rounds:
        two_rounds r4, r5, r6, r7, r8, r9, r10, r11
        two_rounds r10, r11, r4, r5, r6, r7, r8, r9
        push    {r4-r7}                 @ what was a is e now
        push    {r8-r11}
        pop     {r4-r7}
        pop     {r8-r11}
        add     r0, sp, #LAST           @ the end of the schedule
        cmp     r3, r0
        bne     four_rounds

        add     r12, sp, #STATE
        ldm     r12, {r0-r3}
        add     r4, r0
        add     r5, r1
        add     r6, r2
        add     r7, r3
        stmia   r12!, {r4-r7}
        ldm     r12, {r0-r3}
        add     r8, r0
        add     r9, r1
        add     r10, r2
        add     r11, r3
        stm     r12, {r8-r11}
        b       next

        .balign 4
watchdog:
        .word   0x58004800              @ IWDG1_KR
constants:
        .word   0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19
rounds:
        .word   0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5
        .word   0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174
        .word   0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA
        .word   0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967
        .word   0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85
        .word   0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070
        .word   0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3
        .word   0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2
