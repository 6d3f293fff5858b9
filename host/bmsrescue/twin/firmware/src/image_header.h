/* Tells what this image is; always at offset 0x400, right behind the vector table. */
#ifndef IMAGE_HEADER_H
#define IMAGE_HEADER_H

#include <stdint.h>

struct image_header {
    char magic[8];    /* "BMSIMAGE" */
    char version[16]; /* "1.2.0", zero padded */
    uint32_t length;  /* bytes of the whole image */
    uint32_t curves_sum;
};

extern const struct image_header image_header;

#endif
