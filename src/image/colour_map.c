/* colour_map.c - the path through OKLab, and OKLab's formulas. */
#include "image/colour_map.h"

#include <math.h>

/* The path at t from 0 to 1: lightness grows evenly, the hue turns half around from violet through red to yellow, and
 * the chroma swells in between. It stays inside sRGB. */
#define LIGHTNESS_FROM 0.15
#define LIGHTNESS_TO 0.96
#define HUE_FROM 285.0 /* degrees */
#define HUE_TO 465.0
#define CHROMA_ENDS 0.06
#define CHROMA_SWELL 0.13

enum { PATH_STEPS = 4096 };

static const double pi = 3.14159265358979323846;

static void path_at(double t, double lab[3])
{
    double hue = (HUE_FROM + (HUE_TO - HUE_FROM) * t) * pi / 180, chroma = CHROMA_ENDS + CHROMA_SWELL * sin(pi * t);
    lab[0] = LIGHTNESS_FROM + (LIGHTNESS_TO - LIGHTNESS_FROM) * t;
    lab[1] = chroma * cos(hue);
    lab[2] = chroma * sin(hue);
}

static double distance(const double a[3], const double b[3])
{
    double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return sqrt(x * x + y * y + z * z);
}

static double cube(double x)
{
    return x * x * x;
}

/* Linear light to an sRGB level. */
static uint8_t level(double light)
{
    light = fmin(fmax(light, 0), 1);
    double value = light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
    return (uint8_t)(value * 255 + 0.5);
}

static void oklab_to_rgb(const double lab[3], uint8_t rgb[3])
{
    double l = cube(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2]);
    double m = cube(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2]);
    double s = cube(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2]);
    rgb[0] = level(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = level(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = level(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

void colour_to_oklab(const uint8_t rgb[3], double lab[3])
{
    double light[3];
    for (int i = 0; i < 3; i++) {
        double value = rgb[i] / 255.0;
        light[i] = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
    }
    double l = cbrt(0.4122214708 * light[0] + 0.5363325363 * light[1] + 0.0514459929 * light[2]);
    double m = cbrt(0.2119034982 * light[0] + 0.6806995451 * light[1] + 0.1073969566 * light[2]);
    double s = cbrt(0.0883024619 * light[0] + 0.2817188376 * light[1] + 0.6299787005 * light[2]);
    lab[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
    lab[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    lab[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

void colour_map(uint8_t colours[COLOUR_MAP_SIZE][3])
{
    double before[3], here[3], length = 0, walked = 0;
    path_at(0, before);
    for (int i = 1; i <= PATH_STEPS; i++) {
        path_at((double)i / PATH_STEPS, here);
        length += distance(before, here);
        for (int c = 0; c < 3; c++)
            before[c] = here[c];
    }
    path_at(0, before);
    oklab_to_rgb(before, colours[0]);
    int next = 1;
    for (int i = 1; i <= PATH_STEPS; i++) {
        path_at((double)i / PATH_STEPS, here);
        walked += distance(before, here);
        for (; next < COLOUR_MAP_SIZE - 1 && walked >= length * next / (COLOUR_MAP_SIZE - 1); next++)
            oklab_to_rgb(here, colours[next]);
        for (int c = 0; c < 3; c++)
            before[c] = here[c];
    }
    oklab_to_rgb(here, colours[COLOUR_MAP_SIZE - 1]);
}
