/* hash.h - SHA-256 (FIPS 180-4) for digests that are written down, FNV-1a for tables and random keys. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_TEXT = 65 };

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *bytes, size_t size);
void sha256_final(struct sha256 *hash, uint8_t digest[SHA256_BYTES]);

/* The digest in lower-case hexadecimal. */
void sha256_text(const uint8_t digest[SHA256_BYTES], char text[SHA256_TEXT]);

uint64_t hash_text(const char *text);                                   /* FNV-1a, 64 bits */
uint64_t hash_bytes(const void *bytes, size_t size, uint64_t previous); /* FNV-1a; begin with HASH_START */
#define HASH_START UINT64_C(0xcbf29ce484222325)

#endif
