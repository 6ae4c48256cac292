/* test_pull.c - fetching from a server of our own on this machine: whole, cut and resumed, refused, verified. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/pull.h"
#include "scratch.h"

enum { SIZE = 100000 };
static char content[SIZE];
static char digest[SHA256_TEXT];

/* What the server does and has seen; the client waits for each answer, so the two do not touch it at once. */
static struct {
    int listener, port, requests;
    int cut;           /* send no more than this of the body; 0: all of it */
    bool ignore_range; /* answer 200 with everything */
    int answer;        /* another status, such as 404 */
    char range[64], path[128];
} server;

static void answer(int client)
{
    char request[4096] = "", head[256];
    size_t used = 0;
    while (used + 1 < sizeof request && !strstr(request, "\r\n\r\n")) {
        ssize_t got = recv(client, request + used, sizeof request - 1 - used, 0);
        if (got <= 0)
            return;
        used += (size_t)got;
        request[used] = '\0';
    }
    server.requests++;
    snprintf(server.path, sizeof server.path, "%.*s", (int)strcspn(request + 4, " "), request + 4);
    const char *range = strstr(request, "Range: bytes=");
    size_t from = 0;
    server.range[0] = '\0';
    if (range) {
        range += strlen("Range: bytes=");
        snprintf(server.range, sizeof server.range, "%.*s", (int)strcspn(range, "\r"), range);
        from = (size_t)strtoul(range, NULL, 10);
    }
    if (server.ignore_range)
        from = 0;
    int code = server.answer ? server.answer : from >= SIZE ? 416 : from ? 206 : 200;
    size_t length = code >= 300 ? 0 : SIZE - from;
    int bytes = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", code,
                         length, code == 302 ? "Location: ftp://127.0.0.1/x\r\n" : "");
    send(client, head, (size_t)bytes, MSG_NOSIGNAL);
    if (server.cut && length > (size_t)server.cut)
        length = (size_t)server.cut;
    for (size_t sent = 0; sent < length;) {
        ssize_t now = send(client, content + from + sent, length - sent, MSG_NOSIGNAL);
        if (now <= 0)
            break;
        sent += (size_t)now;
    }
}

static void *serve(void *context)
{
    (void)context;
    for (int client; (client = accept(server.listener, NULL, NULL)) >= 0; close(client))
        answer(client);
    return NULL;
}

static pthread_t thread;

static int setup(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    struct sha256 hash;
    uint8_t sum[SHA256_BYTES];
    for (int i = 0; i < SIZE; i++)
        content[i] = (char)(i * 31 + i / 7);
    sha256_init(&hash);
    sha256_update(&hash, content, SIZE);
    sha256_final(&hash, sum);
    sha256_text(sum, digest);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server.listener, (struct sockaddr *)&at, sizeof at) || listen(server.listener, 8) ||
        getsockname(server.listener, (struct sockaddr *)&at, &length))
        return 1;
    server.port = ntohs(at.sin_port);
    scratch_begin();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return pthread_create(&thread, NULL, serve, NULL);
}

static int teardown(void **state)
{
    (void)state;
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(server.listener);
    curl_global_cleanup();
    scratch_end();
    return 0;
}

static struct assay_error error;
static struct pull_result result;

static assay_status fetch(const char *file, uint64_t bytes, const char *sha256)
{
    static char path[256];
    struct arena arena = {0};
    char base[64];
    const struct pull_entry entry = {"tiny", "https://weights.example/some/where.pth", file, bytes, sha256, "MIT",
                                     false};
    snprintf(base, sizeof base, "http://127.0.0.1:%d", server.port);
    server.requests = 0;
    error = (struct assay_error){0};
    assay_status status = pull_fetch(&entry, base, "cache/assay", NULL, &arena, &result, &error);
    snprintf(path, sizeof path, "%s", result.path);
    result.path = path;
    arena_free(&arena);
    return status;
}

static void expect_file(const char *name)
{
    char path[128];
    size_t size;
    snprintf(path, sizeof path, "cache/assay/%s", name);
    uint8_t *bytes = scratch_read(path, &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(bytes, content, SIZE);
    free(bytes);
    strncat(path, ".part", sizeof path - strlen(path) - 1);
    assert_false(file_exists(path));
}

static void test_whole(void **state)
{
    (void)state;
    if (fetch("whole", SIZE, digest))
        fail_msg("%s", error.message);
    assert_true(result.fetched);
    assert_string_equal(result.sha256, digest);
    assert_string_equal(result.path, "cache/assay/whole");
    assert_string_equal(server.path, "/some/where.pth");
    assert_string_equal(server.range, "");
    expect_file("whole");
    assert_int_equal(fetch("whole", SIZE, digest), ASSAY_OK); /* there already: no network */
    assert_false(result.fetched);
    assert_int_equal(server.requests, 0);
    assert_int_equal(fetch("unknown", 0, NULL), ASSAY_OK); /* nothing to verify by: the digest is told */
    assert_string_equal(result.sha256, digest);
}

static void test_resume(void **state)
{
    (void)state;
    server.cut = 30000;
    assert_int_equal(fetch("cut", 0, digest), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "run the same command again"));
    assert_false(file_exists("cache/assay/cut"));
    assert_int_equal(fetch("cut", 0, digest), ASSAY_ERROR_IO);
    assert_string_equal(server.range, "30000-");
    server.cut = 0;
    if (fetch("cut", 0, digest))
        fail_msg("%s", error.message);
    assert_string_equal(server.range, "60000-");
    expect_file("cut");

    /* a server that sends all of it whatever was asked; and a part that is as long as all of it */
    scratch_write("cache/assay/all.part", content + 5, 1000);
    server.ignore_range = true;
    assert_int_equal(fetch("all", 0, digest), ASSAY_OK);
    server.ignore_range = false;
    expect_file("all");
    scratch_write("cache/assay/same.part", content, SIZE);
    assert_int_equal(fetch("same", SIZE, digest), ASSAY_OK);
    assert_int_equal(server.requests, 0);
    expect_file("same");
    scratch_write("cache/assay/again.part", content, SIZE);
    assert_int_equal(fetch("again", 0, digest), ASSAY_OK); /* 416, then from the beginning */
    assert_int_equal(server.requests, 2);
    expect_file("again");
}

static void test_wrong(void **state)
{
    (void)state;
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(fetch("wrong", 0, zeros), ASSAY_ERROR_FORMAT);
    assert_non_null(strstr(error.message, digest));
    assert_false(file_exists("cache/assay/wrong"));
    assert_false(file_exists("cache/assay/wrong.part"));
    char begin[9];
    snprintf(begin, sizeof begin, "%.8s", digest);
    assert_int_equal(fetch("begin", 0, begin), ASSAY_OK);                /* only its first digits are published */
    assert_int_equal(fetch("begin", 0, "00000000"), ASSAY_ERROR_FORMAT); /* damaged since: told, not deleted */
    assert_true(file_exists("cache/assay/begin"));
    assert_int_equal(fetch("long", SIZE - 1, digest), ASSAY_ERROR_LIMIT);
    server.answer = 404;
    assert_int_equal(fetch("none", 0, digest), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "the server answers 404"));
    server.answer = 302; /* to another protocol */
    assert_int_equal(fetch("away", 0, digest), ASSAY_ERROR_IO);
    server.answer = 0;
    assert_false(file_exists("cache/assay/none"));
}

/* Without a base on this machine only HTTPS is spoken. */
static void test_protocol(void **state)
{
    (void)state;
    struct arena arena = {0};
    char address[64];
    snprintf(address, sizeof address, "http://127.0.0.1.example:%d/x", server.port);
    const struct pull_entry entry = {"tiny", address, "plain", 0, NULL, "MIT", false};
    server.requests = 0;
    assert_int_equal(pull_fetch(&entry, NULL, "cache/assay", NULL, &arena, &result, &error), ASSAY_ERROR_IO);
    assert_int_equal(server.requests, 0);
    assert_non_null(strstr(error.message, "rotocol"));
    arena_free(&arena);
}

static void test_command(void **state)
{
    (void)state;
    struct outcome o;
    char folder[512], cache[600], base[64];
    assert_non_null(getcwd(folder, sizeof folder));
    snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s/home", folder);
    snprintf(base, sizeof base, "ASSAY_PULL_BASE=http://127.0.0.1:%d", server.port);
    const char *const env[] = {cache, base, NULL};
    run(&(struct launch){.args = (const char *const[]){"pull", "--list", NULL}, .env = env}, &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "clip-vit-l-14 "));
    assert_null(strstr(o.out, "here"));
    outcome_free(&o);
    server.requests = 0;
    run(&(struct launch){.args = (const char *const[]){"pull", "cnnspot-0.5", NULL}, .env = env}, &o);
    if (o.status)
        fail_msg("%s", o.err);
    assert_int_equal(server.requests, 1);
    assert_string_equal(server.path, "/s/2g2jagq2jn1fd0i/blur_jpg_prob0.5.pth?dl=1");
    assert_non_null(strstr(o.out, digest));
    assert_true(file_exists("home/assay/blur_jpg_prob0.5.pth"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"pull", "mae-vit-b-16", NULL}, .env = env}, &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "not the known file"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"pull", "clip-rn50", NULL}, .env = env}, &o);
    assert_int_equal(o.status, 1); /* not the published file */
    assert_non_null(strstr(o.err, "not the published file"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"pull", "clip-rn5", NULL}, .env = env}, &o);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "clip-rn50"));
    outcome_free(&o);
    run(&(struct launch){.args = (const char *const[]){"pull", NULL}, .env = env}, &o);
    assert_int_equal(o.status, 2);
    outcome_free(&o);
}

/* Names, files and addresses once each; digests of 64 digits, or torchvision's eight. */
static void test_table(void **state)
{
    (void)state;
    for (const struct pull_entry *a = pull_table; a->name; a++) {
        size_t digits = a->sha256 ? strlen(a->sha256) : 64;
        if (a->sha256 && strspn(a->sha256, "0123456789abcdef") != digits)
            fail_msg("%s: %s", a->name, a->sha256);
        assert_true(digits == 64 || (digits == 8 && strstr(a->address, "pytorch.org")));
        assert_true(strncmp(a->address, "https://", 8) == 0 && a->licence[0] && !strchr(a->file, '/'));
        assert_true(!a->reported || a->sha256);
        for (const struct pull_entry *b = a + 1; b->name; b++) {
            assert_string_not_equal(a->name, b->name);
            assert_string_not_equal(a->file, b->file);
            assert_string_not_equal(a->address, b->address);
            if (a->sha256 && b->sha256)
                assert_string_not_equal(a->sha256, b->sha256);
        }
    }
}

int main(int argc, char **argv)
{
    if (!scratch_take_program(argc, argv))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_resume),  cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_protocol), cmocka_unit_test(test_command), cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("cli/pull", tests, setup, teardown);
}
