/* io/tar.c - headers of 512 bytes (IEEE 1003.1, "ustar Interchange Format" and "pax Interchange Format"; GNU tar's manual,
 * "Basic Tar Format", for L and for sizes in base 256). */
#include "io/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { BLOCK = 512, LONG_MAX_BYTES = 1 << 16 };

typedef struct {
    char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], type, link[100], magic[6], version[2],
        user[32], group[32], major[8], minor[8], prefix[155], pad[12];
} Header;

typedef struct {
    const char *path;
    int fd;
    int64_t length, at;
    char name[LONG_MAX_BYTES + 1]; /* of the next member, from a header before it; "": none */
    int64_t size;                  /* the same; -1: none */
} Tar;

static BaseStatus read_at(const Tar *t, int64_t offset, void *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(t->fd, (char *)out + done, size - done, (off_t)(offset + (int64_t)done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return base_error_set(BASE_EIO, "%s: cannot be read: %s", t->path,
                                  got < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)got;
    }
    return BASE_OK;
}

/* Octal digits between blanks, or base 256 where the first bit is set; -1 where it is neither. */
static int64_t number(const char *field, size_t size)
{
    const uint8_t *b = (const uint8_t *)field;
    int64_t value = 0;
    size_t i = 0;
    if (b[0] & 0x80) {
        for (i = 1; i < size; i++) {
            if (value > INT64_MAX >> 9) return -1;
            value = value << 8 | b[i];
        }
        return b[0] == 0x80 ? value : -1;
    }
    while (i < size && b[i] == ' ') i++;
    for (; i < size && b[i] >= '0' && b[i] <= '7'; i++) {
        if (value > INT64_MAX >> 4) return -1;
        value = value << 3 | (b[i] - '0');
    }
    return i == size || b[i] == ' ' || b[i] == '\0' ? value : -1;
}

/* The sum of all bytes, its own field as blanks. */
static bool sum_fits(const Header *h)
{
    const uint8_t *b = (const uint8_t *)h;
    int64_t sum = 0, from = offsetof(Header, sum);
    for (int64_t i = 0; i < BLOCK; i++) sum += i >= from && i < from + 8 ? ' ' : b[i];
    return number(h->sum, sizeof h->sum) == sum;
}

static bool is_empty(const Header *h)
{
    const char *b = (const char *)h;
    for (int i = 0; i < BLOCK; i++)
        if (b[i]) return false;
    return true;
}

/* "27 path=folder/file.jpg\n": path and size are what counts here. */
static void read_pax(Tar *t, char *text)
{
    for (char *line = text; *line;) {
        char *end, *equal;
        long length = strtol(line, &end, 10);
        if (*end != ' ' || length <= end - line || (size_t)length > strlen(line) || line[length - 1] != '\n') return;
        line[length - 1] = '\0';
        equal = strchr(end, '=');
        if (equal && strncmp(end, " path=", 6) == 0) snprintf(t->name, sizeof t->name, "%s", equal + 1);
        if (equal && strncmp(end, " size=", 6) == 0) t->size = strtoll(equal + 1, NULL, 10);
        line += length;
    }
}

/* A header that speaks of the next one. */
static BaseStatus read_long(Tar *t, char type, int64_t offset, int64_t size)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    BASE_CHECK(size <= LONG_MAX_BYTES, BASE_ELIMIT, "%s: a name of %lld bytes", t->path, (long long)size);
    BASE_TRY(BASE_ALLOC(size + 1, &text));
    BASE_TRY(read_at(t, offset, text, (size_t)size));
    if (type == 'L')
        snprintf(t->name, sizeof t->name, "%s", text);
    else
        read_pax(t, text);
out:
    base_free(text);
    return st;
}

static void name_of(const Header *h, const Tar *t, char out[LONG_MAX_BYTES + 1])
{
    bool prefix = memcmp(h->magic, "ustar", 6) == 0 && h->prefix[0]; /* GNU's own magic has a blank there */
    if (t->name[0])
        snprintf(out, LONG_MAX_BYTES + 1, "%s", t->name);
    else
        snprintf(out, LONG_MAX_BYTES + 1, "%.*s%s%.100s", prefix ? 155 : 0, h->prefix, prefix ? "/" : "", h->name);
}

/* One member; *more false at the end. */
static BaseStatus step(Tar *t, char *name, BaseStatus (*each)(void *, const char *, int64_t, int64_t), void *user,
                       bool *more)
{
    BaseStatus st = BASE_OK;
    Header h;
    *more = t->length - t->at >= BLOCK;
    if (!*more) return BASE_OK; /* without the two empty blocks too, as tar itself takes it */
    BASE_TRY(read_at(t, t->at, &h, sizeof h));
    *more = !is_empty(&h);
    if (!*more) goto out;
    BASE_CHECK(sum_fits(&h), BASE_EFORMAT, "%s: no tar file: the header at byte %lld has a wrong sum", t->path,
               (long long)t->at);
    int64_t size = number(h.size, sizeof h.size), from = t->at + BLOCK;
    bool about = h.type == 'L' || h.type == 'x', file = h.type == '0' || h.type == '\0';
    if (file && t->size >= 0) size = t->size;
    BASE_CHECK(size >= 0 && size <= t->length - from, BASE_EFORMAT,
               "%s: is cut off: the member at byte %lld has %lld bytes, and %lld follow", t->path, (long long)t->at,
               (long long)size, (long long)(t->length - from));
    if (about) BASE_TRY(read_long(t, h.type, from, size));
    if (file) {
        name_of(&h, t, name);
        BASE_TRY(each(user, name, from, size));
    }
    if (!about && h.type != 'g') t->name[0] = '\0', t->size = -1;
    t->at = from + (size + BLOCK - 1) / BLOCK * BLOCK;
out:
    return st;
}

BaseStatus io_tar_list(const char *path, BaseStatus (*each)(void *user, const char *name, int64_t offset, int64_t size),
                       void *user)
{
    BaseStatus st = BASE_OK;
    Tar *t = NULL;
    char *name = NULL;
    struct stat info;
    bool more = true;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    BASE_CHECK(fd >= 0, BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    BASE_CHECK(fstat(fd, &info) == 0 && S_ISREG(info.st_mode), BASE_EIO, "%s: is no file", path);
    BASE_TRY(BASE_ALLOC(1, &t));
    BASE_TRY(BASE_ALLOC(LONG_MAX_BYTES + 1, &name));
    t->path = path, t->fd = fd, t->length = info.st_size, t->size = -1;
    BASE_CHECK(t->length >= BLOCK, BASE_EFORMAT, "%s: %lld bytes are no tar file", path, (long long)t->length);
    while (more) BASE_TRY(step(t, name, each, user, &more));
out:
    if (fd >= 0) close(fd);
    base_free(t);
    base_free(name);
    return st;
}
