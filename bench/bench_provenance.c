/* bench_provenance.c - what it takes to read what a file says of itself where strangers made that as costly as the
 * limits allow: the largest blocks, the most and the deepest nested parts. CSV: milliseconds of processor time for the
 * finding alone and for all facts, the best of a few runs, beside bytes of the file.
 *
 *     bench_provenance [-CASE]    the cases below, or those whose names begin so
 *     bench_provenance FILE...    files */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "provenance/provenance.h"

enum { RUNS = 3, MIB = 1 << 20 };

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void put(struct array *to, const void *bytes, size_t size)
{
    if (!array_append(to, bytes, size))
        exit(1);
}

static void put_number(struct array *to, uint64_t number, int width)
{
    for (int i = width - 1; i >= 0; i--)
        put(to, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
}

static void put_many(struct array *to, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(to, text, strlen(text));
}

static void set32(struct array *to, size_t at, size_t value)
{
    for (int i = 0; i < 4; i++)
        ((uint8_t *)to->data)[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_chunk(struct array *to, const char *type, const struct array *content)
{
    size_t at = to->count + 4;
    put_number(to, content->count, 4);
    put(to, type, 4);
    put(to, content->data, content->count);
    put_number(to, crc32(crc32(0, NULL, 0), (const uint8_t *)to->data + at, (uInt)(content->count + 4)), 4);
}

static struct array begin_png(void)
{
    struct array png = array_of(1, 512 * MIB), head = array_of(1, 64), rows = array_of(1, 64);
    put(&png, "\x89PNG\r\n\x1a\n", 8);
    put_number(&head, 1, 4);
    put_number(&head, 1, 4);
    put(&head, "\10\2\0\0\0", 5);
    put_chunk(&png, "IHDR", &head);
    put(&rows, "\x78\x9c\x63\x60\x60\x60\0\0\0\4\0\1", 12); /* one black pixel */
    put_chunk(&png, "IDAT", &rows);
    array_free(&head);
    array_free(&rows);
    return png;
}

static void end_png(struct array *png)
{
    struct array none = array_of(1, 1);
    put_chunk(png, "IEND", &none);
}

/* A text chunk with what the caller wrote. */
static struct array png_with(const char *type, const char *keyword, size_t keyword_size, struct array *content)
{
    struct array png = begin_png(), chunk = array_of(1, 256 * MIB);
    put(&chunk, keyword, keyword_size);
    put(&chunk, content->data, content->count);
    put_chunk(&png, type, &chunk);
    end_png(&png);
    array_free(&chunk);
    array_free(content);
    return png;
}

/* ---- Cases ------------------------------------------------------------------------------------------------------- */

#define XMP_KEY "XML:com.adobe.xmp\0\0\0\0"
#define XMP_HEAD                                                                                                       \
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"            \
    "<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'>"
#define XMP_TAIL "</rdf:Description></rdf:RDF></x:xmpmeta>"

static struct array xmp_of(const char *before, const char *middle, size_t count, const char *behind)
{
    struct array xmp = array_of(1, 256 * MIB);
    put(&xmp, XMP_HEAD, strlen(XMP_HEAD));
    put_many(&xmp, before, 1);
    put_many(&xmp, middle, count);
    put_many(&xmp, behind, 1);
    put(&xmp, XMP_TAIL, strlen(XMP_TAIL));
    return png_with("iTXt", XMP_KEY, sizeof XMP_KEY - 1, &xmp);
}

static struct array xmp_long(void)
{
    return xmp_of("<dc:source>", "0123456789abcdef", 16 * MIB / 16, "</dc:source>");
}

static struct array xmp_many(void)
{
    return xmp_of("", "<dc:source>a</dc:source>", 16 * MIB / 24, "");
}

static struct array xmp_deep(void)
{
    return xmp_of("", "<dc:source>", 100000, "");
}

/* Tags that all name the same long text. */
static struct array exif_overlapping(void)
{
    struct array exif = array_of(1, 256 * MIB);
    enum { TAGS = 1000, TEXT = 8 * MIB };
    put(&exif, "MM\0\x2a\0\0\0\10", 8);
    put_number(&exif, TAGS, 2);
    for (int i = 0; i < TAGS; i++) {
        put_number(&exif, 0x010E + (i % 2), 2);
        put_number(&exif, 2, 2);
        put_number(&exif, TEXT, 4);
        put_number(&exif, 10 + 12 * TAGS + 4, 4);
    }
    put_number(&exif, 0, 4);
    put_many(&exif, "0123456789abcdef", TEXT / 16);
    return png_with("eXIf", "", 0, &exif);
}

/* Photoshop resources with texts. */
static struct array iptc_many(void)
{
    struct array jpeg = array_of(1, 256 * MIB);
    put(&jpeg, "\xff\xd8", 2);
    size_t left = 2048;
    for (int segment = 0; segment < 500 && left; segment++) {
        struct array iptc = array_of(1, MIB);
        if (segment == 0)
            put(&iptc, "8BIM\4\4\0\0\1\xf0\0\0", 12); /* 32 MB of IPTC, over many segments */
        put(&iptc, "\x1c\2\x19\x7f\x00", 5);
        put_many(&iptc, "keyword ", 4000);
        put_many(&iptc, "k", 0x7f00 - 32000);
        put(&jpeg, "\xff\xed", 2);
        put_number(&jpeg, iptc.count + 2 + 14, 2);
        put(&jpeg, "Photoshop 3.0", 14);
        put(&jpeg, iptc.data, iptc.count);
        array_free(&iptc);
        left--;
    }
    put(&jpeg, "\xff\xd9", 2);
    return jpeg;
}

static struct array segments(void)
{
    struct array jpeg = array_of(1, 64 * MIB);
    put(&jpeg, "\xff\xd8", 2);
    for (int i = 0; i < 70000; i++)
        put(&jpeg, "\xff\xfe\0\3a", 5);
    put(&jpeg, "\xff\xd9", 2);
    return jpeg;
}

static struct array text_packed(void)
{
    struct array packed = array_of(1, 64 * MIB);
    uLong size = 64 * MIB;
    uint8_t *plain = mem_alloc(size, 1);
    uLongf bound = compressBound(size);
    uint8_t *bytes = mem_alloc(bound, 1);
    if (!plain || !bytes || compress2(bytes, &bound, plain, size, 9) != Z_OK)
        exit(1);
    put(&packed, bytes, bound);
    mem_free(plain);
    mem_free(bytes);
    return png_with("zTXt", "parameters\0\0", 12, &packed);
}

static struct array text_many_packed(void)
{
    struct array png = begin_png();
    uLongf bound = compressBound(MIB);
    uint8_t *plain = mem_alloc(MIB, 1), *bytes = mem_alloc(bound, 1);
    if (!plain || !bytes)
        exit(1);
    memset(plain, 'a', MIB);
    compress2(bytes, &bound, plain, MIB, 9);
    for (int i = 0; i < 300; i++) {
        struct array chunk = array_of(1, 2 * MIB);
        put(&chunk, "parameters\0\0", 12);
        put(&chunk, bytes, bound);
        put_chunk(&png, "zTXt", &chunk);
        array_free(&chunk);
    }
    end_png(&png);
    mem_free(plain);
    mem_free(bytes);
    return png;
}

static struct array words_long(void)
{
    struct array text = array_of(1, 64 * MIB);
    put_many(&text, "a fox in the snow, ", 7 * MIB / 19);
    put_many(&text, "\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512", 1);
    put_many(&text, ", Key: value", MIB / 24);
    return png_with("tEXt", "parameters", 11, &text);
}

static struct array words_json(void)
{
    struct array text = array_of(1, 64 * MIB);
    put_many(&text, "{\"a\":{\"class_type\":\"SaveImage\",\"inputs\":{\"images\":[\"b\",0]}}", 1);
    for (int i = 0; i < 18000; i++) {
        char node[200];
        snprintf(node, sizeof node,
                 ",\"n%d\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":%d,\"model\":[\"n%d\",0]}}", i, i, i + 1);
        put_many(&text, node, 1);
    }
    put_many(&text, "}", 1);
    return png_with("tEXt", "prompt", 7, &text);
}

static struct array words_json_deep(void)
{
    struct array text = array_of(1, 64 * MIB);
    put_many(&text, "{\"a\":", 1000000);
    return png_with("tEXt", "prompt", 7, &text);
}

static size_t begin_box(struct array *to, const char *type)
{
    size_t at = to->count;
    put_number(to, 0, 4);
    put(to, type, 4);
    return at;
}

static void end_box(struct array *to, size_t at)
{
    set32(to, at, to->count - at);
}

static size_t begin_super(struct array *to, const char *kind, const char *label)
{
    size_t super = begin_box(to, "jumb"), description = begin_box(to, "jumd");
    put(to, kind, 4);
    put(to, "\x00\x11\x00\x10\x80\x00\x00\xAA\x00\x38\x9B\x71\3", 13);
    put(to, label, strlen(label) + 1);
    end_box(to, description);
    return super;
}

/* A store of `manifests`, each with `assertions` of `items` numbers. */
static struct array c2pa_of(int manifests, int assertions, int items, size_t bytes)
{
    struct array store = array_of(1, 256 * MIB);
    size_t all = begin_super(&store, "c2pa", "c2pa");
    for (int m = 0; m < manifests; m++) {
        char label[64];
        snprintf(label, sizeof label, "urn:uuid:%d", m);
        size_t manifest = begin_super(&store, "c2ma", label), list = begin_super(&store, "c2as", "c2pa.assertions");
        for (int a = 0; a < assertions; a++) {
            snprintf(label, sizeof label, "org.example.%d", a);
            size_t assertion = begin_super(&store, "cbor", label), content = begin_box(&store, "cbor");
            if (bytes) {
                put(&store, "\x5a", 1);
                put_number(&store, bytes, 4);
                put_many(&store, "0123456789abcdef", bytes / 16);
            } else {
                put(&store, "\x9a", 1);
                put_number(&store, (uint64_t)items, 4);
                put_many(&store, "\1", (size_t)items);
            }
            end_box(&store, content);
            end_box(&store, assertion);
        }
        end_box(&store, list);
        size_t claim = begin_super(&store, "c2cl", "c2pa.claim"), content = begin_box(&store, "cbor");
        put(&store,
            "\xa1\x6a"
            "assertions\x9a",
            13);
        put_number(&store, (uint64_t)assertions, 4);
        for (int a = 0; a < assertions; a++) {
            snprintf(label, sizeof label, "self#jumbf=c2pa.assertions/org.example.%d", a);
            put(&store, "\xa2\x63url\x78", 6);
            put_number(&store, strlen(label), 1);
            put(&store, label, strlen(label));
            put(&store, "\x64hash\x44wxyz", 10);
        }
        end_box(&store, content);
        end_box(&store, claim);
        end_box(&store, manifest);
    }
    end_box(&store, all);
    return png_with("caBX", "", 0, &store);
}

static struct array c2pa_boxes(void)
{
    return c2pa_of(1, 4000, 1, 0);
}

static struct array c2pa_items(void)
{
    return c2pa_of(1, 1000, 30000, 0);
}

static struct array c2pa_manifests(void)
{
    return c2pa_of(200, 10, 10, 0);
}

static struct array c2pa_bytes(void)
{
    return c2pa_of(1, 30, 0, MIB);
}

static struct array c2pa_deep(void)
{
    struct array store = array_of(1, 64 * MIB);
    size_t at[1000];
    for (int i = 0; i < 1000; i++)
        at[i] = begin_super(&store, "c2pa", "c2pa");
    for (int i = 999; i >= 0; i--)
        end_box(&store, at[i]);
    return png_with("caBX", "", 0, &store);
}

/* ---- Measuring --------------------------------------------------------------------------------------------------- */

/* Of this thread: what else the machine does counts less. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double read_once(const uint8_t *bytes, size_t size, bool alone)
{
    const struct provenance_options options = {.finding_alone = alone};
    struct provenance p;
    struct assay_error error = {0};
    double begin = processor_seconds();
    if (provenance_read(bytes, size, &options, &p, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    provenance_free(&p);
    return processor_seconds() - begin;
}

static void measure(const char *name, const uint8_t *bytes, size_t size)
{
    double best[2] = {1e9, 1e9};
    for (int i = 0; i < RUNS; i++) {
        for (int alone = 0; alone < 2; alone++) {
            double seconds = read_once(bytes, size, alone);
            best[alone] = seconds < best[alone] ? seconds : best[alone];
        }
    }
    printf("%s,%zu,%.2f,%.2f\n", name, size, 1e3 * best[1], 1e3 * best[0]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        struct array (*make)(void);
    } cases[] = {
        {"XMP: one value of 16 MiB", xmp_long},
        {"XMP: 700000 properties", xmp_many},
        {"XMP: 100000 levels", xmp_deep},
        {"EXIF: 1000 tags that share 8 MiB", exif_overlapping},
        {"IPTC: texts of 32 KiB in 500 segments", iptc_many},
        {"JPEG: 70000 segments", segments},
        {"PNG: a packed text of 64 MiB", text_packed},
        {"PNG: 300 packed texts of 1 MiB", text_many_packed},
        {"words: settings of 8 MiB", words_long},
        {"words: graph of 18000 nodes", words_json},
        {"words: JSON of 1000000 levels", words_json_deep},
        {"C2PA: 4000 assertions", c2pa_boxes},
        {"C2PA: 1000 assertions of 30000 items", c2pa_items},
        {"C2PA: 200 manifests", c2pa_manifests},
        {"C2PA: 30 MiB of bytes", c2pa_bytes},
        {"C2PA: 1000 levels of boxes", c2pa_deep},
    };
    printf("case,bytes,finding_ms,facts_ms\n");
    const char *begin = argc > 1 && argv[1][0] == '-' ? argv[1] + 1 : "";
    for (int i = begin[0] ? argc : 1; i < argc; i++) {
        uint8_t *bytes;
        size_t size;
        struct assay_error error = {0};
        if (file_read(argv[i], 1u << 30, &bytes, &size, &error)) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        measure(argv[i], bytes, size);
        mem_free(bytes);
    }
    for (size_t i = 0; (argc == 1 || begin[0]) && i < sizeof cases / sizeof cases[0]; i++) {
        if (strncmp(cases[i].name, begin, strlen(begin)) != 0)
            continue;
        struct array file = cases[i].make();
        measure(cases[i].name, file.data, file.count);
        array_free(&file);
    }
    return 0;
}
