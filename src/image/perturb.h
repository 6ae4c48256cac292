/* perturb.h - what happens to pictures on their way: noise, blur, JPEG, WebP, cutting and enlarging. Used to augment
 * training and to test robustness (perturbation.h names and chains them). Randomness comes from an explicit seed. */
#ifndef ASSAY_IMAGE_PERTURB_H
#define ASSAY_IMAGE_PERTURB_H

#include "image/image.h"

/* Adds N(0, sigma^2) to every channel, sigma in grey levels; clips to 0..255 and truncates, as Frank et al. (2020) do.
 * The draw for each value depends on (seed, its index) alone. */
assay_status image_noise(const struct image *from, double sigma, uint64_t seed, struct image *out,
                         struct assay_error *error);

/* scipy.ndimage.gaussian_filter on each channel as CNNDetection applies it: real sigma in pixels, cut at 4 sigma,
 * borders reflected (edge pixel repeated), result truncated to 8 bits. Sigma 0 copies. */
assay_status image_blur(const struct image *from, double sigma, struct image *out, struct assay_error *error);

/* cv2.GaussianBlur with an odd kernel size and sigma on both axes, border reflect-101, rounded to the nearest level. */
assay_status image_blur_kernel(const struct image *from, int kernel, double sigma, struct image *out,
                               struct assay_error *error);

/* Encoded as JPEG at a quality of 1..100 (4:2:0) and decoded again. */
assay_status image_jpeg(const struct image *from, int quality, struct image *out, struct assay_error *error);

/* As OpenCV does it when it is handed RGB where it expects BGR, which the code of Frank et al. does: red and blue
 * change places before and after. */
assay_status image_jpeg_bgr(const struct image *from, int quality, struct image *out, struct assay_error *error);

/* Encoded as lossy WebP at a quality of 1..100 and decoded again. */
assay_status image_webp(const struct image *from, int quality, struct image *out, struct assay_error *error);

/* The crop of Frank et al.: int(side * share / 2) pixels go at each edge (share from 0, below 1), and what is left is
 * enlarged to the picture's size by image_resize_cubic. `transposed`: to that size with width and height exchanged,
 * as their code does to pictures that are not square. */
assay_status image_zoom(const struct image *from, double share, int transposed, struct image *out,
                        struct assay_error *error);

#endif
