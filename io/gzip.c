/* io/gzip.c - zlib in pieces of at most 1 GiB, all members of a file in turn; the size limit is checked as it grows. */
#define ZLIB_CONST
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "io/file.h"

enum { MEMBER = 15 + 16 }; /* zlib's window bits: 32 KiB, gzip wrapping only */

/* Room for the next piece: doubled each time, one byte past the limit at most, so that going over it shows. */
static BaseStatus grow(const char *path, char **out, size_t used, size_t *room, size_t limit)
{
    size_t most = limit ? limit + 1 : SIZE_MAX / 2;
    if (limit && used > limit)
        return base_error_set(BASE_ELIMIT, "%s: unpacks to more than %zu bytes, the most that is read", path, limit);
    size_t next = *room ? 2 * *room : 1 << 16;
    if (next > most) next = most;
    BaseStatus st = base_grow_bytes((void **)out, used, next + 1, 1);
    if (st == BASE_OK) *room = next;
    return st;
}

static BaseStatus unpack(const char *path, z_stream *z, const char *packed, size_t size, size_t limit, char **out,
                         size_t *used)
{
    BaseStatus st = BASE_OK;
    size_t room = 0, eaten = 0;
    int rc = Z_OK;
    while (rc != Z_STREAM_END || eaten < size) {
        if (rc == Z_STREAM_END) { /* members may follow one another; zeros at the end are padding */
            while (eaten < size && packed[eaten] == 0) eaten++;
            if (eaten == size) break;
            BASE_CHECK(inflateReset(z) == Z_OK, BASE_EBACKEND, "%s: zlib cannot continue", path);
        }
        if (*used == room) BASE_TRY(grow(path, out, *used, &room, limit));
        size_t in = size - eaten < 1 << 30 ? size - eaten : 1 << 30,
               space = room - *used < 1 << 30 ? room - *used : 1 << 30;
        z->next_in = (const Bytef *)packed + eaten;
        z->avail_in = (uInt)in;
        z->next_out = (Bytef *)*out + *used;
        z->avail_out = (uInt)space;
        rc = inflate(z, Z_NO_FLUSH);
        BASE_CHECK(rc != Z_MEM_ERROR, BASE_ENOMEM, "%s: not enough memory to unpack", path);
        eaten += in - z->avail_in;
        *used += space - z->avail_out;
        BASE_CHECK(rc == Z_OK || rc == Z_STREAM_END || (rc == Z_BUF_ERROR && eaten == size), BASE_EFORMAT,
                   "%s: damaged gzip file at byte %zu: %s", path, eaten, z->msg ? z->msg : "bad data");
        BASE_CHECK(rc == Z_STREAM_END || eaten < size || z->avail_out == 0, BASE_EFORMAT,
                   "%s: the gzip file ends too early (after %zu bytes)", path, size);
    }
    BASE_CHECK(limit == 0 || *used <= limit, BASE_ELIMIT, "%s: unpacks to more than %zu bytes, the most that is read",
               path, limit);
    (*out)[*used] = '\0';
out:
    return st;
}

BaseStatus io_gzip_read(const char *path, size_t limit, char **out, size_t *size)
{
    BaseStatus st = BASE_OK;
    char *packed = NULL, *plain = NULL;
    size_t packed_size = 0, used = 0;
    z_stream z = {0};
    *out = NULL;
    *size = 0;
    /* data that does not pack grows by a few bytes for every 32 KiB */
    BASE_TRY(io_file_read(path, limit ? limit + limit / 1024 + 4096 : 0, &packed, &packed_size));
    if (packed_size < 2 || (unsigned char)packed[0] != 0x1f || (unsigned char)packed[1] != 0x8b) {
        BASE_CHECK(limit == 0 || packed_size <= limit, BASE_ELIMIT, "%s: %zu bytes; at most %zu are read", path,
                   packed_size, limit);
        *out = packed;
        *size = packed_size;
        return BASE_OK;
    }
    BASE_CHECK(inflateInit2(&z, MEMBER) == Z_OK, BASE_ENOMEM, "%s: not enough memory to unpack", path);
    st = unpack(path, &z, packed, packed_size, limit, &plain, &used);
    inflateEnd(&z);
    if (st != BASE_OK) goto out;
    *out = plain;
    *size = used;
    plain = NULL;
out:
    base_free(packed);
    base_free(plain);
    return st;
}
