#include "image_header.h"

#include "curves.h"

extern uint8_t _image_length[];

__attribute__((section(".image_header"), used)) const struct image_header image_header = {
    .magic = {'B', 'M', 'S', 'I', 'M', 'A', 'G', 'E'},
    .version = VERSION,
    .length = (uint32_t)_image_length,
    .curves_sum = CURVES_SUM,
};
