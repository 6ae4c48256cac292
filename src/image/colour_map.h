/* colour_map.h - colours for numbers: from dark violet through red and orange to pale yellow. Equal steps of the number
 * are equal steps of colour to the eye, and lighter is always more, so that it reads in grey and to most colour-blind
 * people too. Of our own making: a path through OKLab (Ottosson, "A perceptual color space for image processing",
 * 2020), walked at constant speed. */
#ifndef ASSAY_IMAGE_COLOUR_MAP_H
#define ASSAY_IMAGE_COLOUR_MAP_H

#include <stdint.h>

enum { COLOUR_MAP_SIZE = 256 };

/* sRGB of i / 255. */
void colour_map(uint8_t colours[COLOUR_MAP_SIZE][3]);

/* The OKLab coordinates (lightness 0 to 1, green to red, blue to yellow) of an sRGB colour. */
void colour_to_oklab(const uint8_t rgb[3], double lab[3]);

#endif
