/* file.c - reading, mapping and atomic writing. */
#define _DEFAULT_SOURCE /* madvise */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"

static assay_status file_open(const char *path, int *fd, struct stat *info, struct assay_error *error)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return error_errno(error, path, "open");
    assay_status status = ASSAY_OK;
    if (fstat(*fd, info) != 0)
        status = error_errno(error, path, "inspect");
    else if (S_ISDIR(info->st_mode))
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is a directory, not a file", path);
    if (status) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

/* Reads a descriptor to its end, without trusting any stated size. */
static assay_status read_all(int fd, const char *path, uint64_t max_bytes, size_t guess, uint8_t **bytes, size_t *size,
                             struct assay_error *error)
{
    size_t capacity = guess + 1, used = 0;
    uint8_t *data = mem_alloc(capacity, 1);
    if (!data)
        return error_memory(error, path);
    for (;;) {
        ssize_t got = read(fd, data + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            mem_free(data);
            return error_errno(error, path, "read");
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > max_bytes) {
            mem_free(data);
            return error_set(error, ASSAY_ERROR_LIMIT, "%s: larger than the limit of %" PRIu64 " bytes", path,
                             max_bytes);
        }
        if (used == capacity) {
            uint8_t *larger = mem_resize(data, capacity, 2);
            if (!larger) {
                mem_free(data);
                return error_memory(error, path);
            }
            data = larger;
            capacity *= 2;
        }
    }
    *bytes = data;
    *size = used;
    return ASSAY_OK;
}

assay_status file_read(const char *path, uint64_t max_bytes, uint8_t **bytes, size_t *size, struct assay_error *error)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", max_bytes, 1 << 16, bytes, size, error);
    int fd;
    struct stat info;
    assay_status status = file_open(path, &fd, &info, error);
    if (status)
        return status;
    if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > max_bytes)
        status = error_set(error, ASSAY_ERROR_LIMIT, "%s: %" PRIu64 " bytes, larger than the limit of %" PRIu64, path,
                           (uint64_t)info.st_size, max_bytes);
    else
        status =
            read_all(fd, path, max_bytes, S_ISREG(info.st_mode) ? (size_t)info.st_size : 1 << 16, bytes, size, error);
    close(fd);
    return status;
}

assay_status file_map(const char *path, struct file_map *map, struct assay_error *error)
{
    int fd;
    struct stat info;
    assay_status status = file_open(path, &fd, &info, error);
    if (status)
        return status;
    *map = (struct file_map){0};
    if (info.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            status = error_errno(error, path, "map");
        else
            *map = (struct file_map){bytes, (size_t)info.st_size};
    }
    close(fd);
    return status;
}

void file_unmap(struct file_map *map)
{
    if (map->bytes)
        munmap((void *)map->bytes, map->size);
    *map = (struct file_map){0};
}

void file_map_rest(const void *bytes, size_t size)
{
    long page = sysconf(_SC_PAGESIZE);
    if (page <= 0)
        return;
    uintptr_t begin = ((uintptr_t)bytes + (uintptr_t)page - 1) / (uintptr_t)page * (uintptr_t)page;
    uintptr_t end = ((uintptr_t)bytes + size) / (uintptr_t)page * (uintptr_t)page;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED); /* posix_madvise does nothing of the kind */
}

/* Opens a new file whose name ends in six digits at `digits`, changing them until no file has that name. (mkstemp would
 * make it private; to undo that takes the umask, which cannot be read without setting it for all threads.) */
static int create_new(char *name, size_t digits)
{
    enum { ATTEMPTS = 1000 };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct random random = random_open((uint64_t)getpid(), (uint64_t)now.tv_sec, (uint64_t)now.tv_nsec);
    int fd = -1;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (size_t i = 0; i < 6; i++)
            name[digits + i] = (char)('0' + random_below(&random, 10));
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    return fd;
}

assay_status file_create(const char *path, struct file_writer *writer, struct assay_error *error)
{
    static const char suffix[] = ".part.000000"; /* the digits are drawn */
    size_t length = strlen(path);
    *writer = (struct file_writer){.path = mem_strdup(path), .temporary = mem_alloc(length + sizeof suffix, 1)};
    if (!writer->path || !writer->temporary) {
        file_discard(writer);
        return error_memory(error, path);
    }
    memcpy(writer->temporary, path, length);
    memcpy(writer->temporary + length, suffix, sizeof suffix);
    int fd = create_new(writer->temporary, length + sizeof suffix - 7);
    if (fd < 0) {
        assay_status status = error_errno(error, path, "create");
        writer->temporary[0] = '\0';
        file_discard(writer);
        return status;
    }
    writer->stream = fdopen(fd, "wb");
    if (!writer->stream) {
        assay_status status = error_errno(error, path, "create");
        close(fd);
        file_discard(writer);
        return status;
    }
    return ASSAY_OK;
}

/* A rename is safe on disk once its folder is synced too. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    char *folder = mem_alloc(length + 2, 1);
    if (!folder)
        return;
    memcpy(folder, slash ? path : ".", slash ? length : 1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mem_free(folder);
}

assay_status file_commit(struct file_writer *writer, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (fflush(writer->stream) != 0 || ferror(writer->stream) || fsync(fileno(writer->stream)) != 0)
        status = error_errno(error, writer->path, "write");
    int closed = fclose(writer->stream);
    writer->stream = NULL;
    if (!status && closed != 0)
        status = error_errno(error, writer->path, "write");
    if (!status && rename(writer->temporary, writer->path) != 0)
        status = error_errno(error, writer->path, "put in place");
    if (!status) {
        sync_folder(writer->path);
        writer->temporary[0] = '\0';
    }
    file_discard(writer);
    return status;
}

void file_discard(struct file_writer *writer)
{
    if (writer->stream)
        fclose(writer->stream);
    if (writer->temporary && writer->temporary[0])
        unlink(writer->temporary);
    mem_free(writer->path);
    mem_free(writer->temporary);
    *writer = (struct file_writer){0};
}

assay_status file_write(const char *path, const void *bytes, size_t size, struct assay_error *error)
{
    struct file_writer writer;
    assay_status status = file_create(path, &writer, error);
    if (status)
        return status;
    fwrite(bytes, 1, size, writer.stream);
    return file_commit(&writer, error);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

assay_status file_sha256(const char *path, char text[SHA256_TEXT], struct assay_error *error)
{
    struct file_map map = {0};
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    assay_status status = file_map(path, &map, error);
    if (status)
        return status;
    sha256_init(&hash);
    sha256_update(&hash, map.bytes, map.size);
    sha256_final(&hash, digest);
    sha256_text(digest, text);
    file_unmap(&map);
    return ASSAY_OK;
}
