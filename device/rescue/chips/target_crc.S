@ CRC-32 (IEEE 802.3, as binascii.crc32) of a memory range, run by the target's own core from RAM.
@ Position-independent, no stack, no calls; ends in a breakpoint. Four bits a step from a table of 16 words.
@
@ in:  r0 address (word aligned), r1 length in bytes (multiple of 4, not 0), r2 CRC so far (0 to begin)
@ out: r0 CRC
@
@ Assembled to bytes in target_crc.py:
@   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -c target_crc.S -o target_crc.o
@   arm-none-eabi-objcopy -O binary -j .text target_crc.o target_crc.bin

        .syntax unified
        .thumb
        .text
        .global crc32
        .thumb_func
crc32:
        adr     r3, table
        mvns    r2, r2
        add     r1, r0
next_word:
        ldr     r4, [r0], #4
        eors    r2, r4
        .rept   8
        and     r4, r2, #15
        ldr     r4, [r3, r4, lsl #2]
        eor     r2, r4, r2, lsr #4
        .endr
        cmp     r0, r1
        bne     next_word
        mvns    r0, r2
        bkpt    #0
        .balign 4
table:  @ entry n: the four steps of the reflected polynomial 0xEDB88320 applied to n
        .word   0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC
        .word   0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C
        .word   0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C
        .word   0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C
