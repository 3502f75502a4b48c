/* io/archive.c - reading is libzip's; writing (PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16 and 4.5.3) is ours,
 * because libzip neither aligns records nor leaves the file to our own write, sync and rename. */
#include "io/archive.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/text.h"
#include "io/file.h"

enum { RECORDS = 1 << 20, ALIGN = 64, UTF8_NAMES = 0x0800, FIRST_OF_1980 = 0x21, PADDING_ID = 0x4246, LARGE_ID = 1 };
/* Deflate packs 1032 to 1, but no weights: what a hostile file costs stays near its bytes. */
enum { PACKED_MOST = 16 };
enum { VERSION = 20, VERSION_LARGE = 45 };
/* What no longer fits its field has this there, and its number in the zip64 fields (4.4.1.4). */
static const uint64_t SEE_LARGE_32 = 0xffffffff, SEE_LARGE_16 = 0xffff;

typedef struct {
    const char *name; /* first: what they are sorted by; libzip's; of a part, its own */
    uint64_t size;
    size_t index;
    int64_t offset; /* of a part */
} Record;

struct IoArchive {
    zip_t *zip;  /* or */
    FILE *parts; /* a file whose parts are the records */
    char *path;
    int64_t file_size, unpacked;
    bool packed; /* a record is deflated */
    size_t count;
    Record *records; /* [count] in the file's order */
    Record *by_name; /* [count] sorted */
};

static BaseStatus zip_failure(const char *path, zip_error_t *error)
{
    BaseStatus st = zip_error_code_zip(error) == ZIP_ER_MEMORY ? BASE_ENOMEM : BASE_EFORMAT;
    bool cut = zip_error_code_zip(error) == ZIP_ER_NOZIP; /* its directory is at the end */
    return base_error_set(st, "%s: not a readable zip archive: %s%s", path, zip_error_strerror(error),
                          cut ? ", or one that is cut off" : "");
}

static BaseStatus check_record(IoArchive *a, size_t i, uint64_t *total)
{
    BaseStatus st = BASE_OK;
    zip_stat_t info;
    const zip_uint64_t need = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(a->zip, i, 0, &info) != 0) BASE_TRY(zip_failure(a->path, zip_get_error(a->zip)));
    BASE_CHECK((info.valid & need) == need, BASE_EFORMAT, "%s: record %zu of the archive has no name or size", a->path,
               i);
    bool encrypted = info.valid & ZIP_STAT_ENCRYPTION_METHOD && info.encryption_method != ZIP_EM_NONE;
    bool stored = info.comp_method == ZIP_CM_STORE && info.size == info.comp_size;
    BASE_CHECK(!encrypted && (stored || info.comp_method == ZIP_CM_DEFLATE), BASE_EFORMAT,
               "%s: record '%.200s' is encrypted, or compressed by another method than deflate: unpack the archive and "
               "zip it again",
               a->path, info.name);
    a->packed |= !stored;
    BASE_CHECK(!__builtin_add_overflow(*total, info.size, total) &&
                   *total / (a->packed ? PACKED_MOST : 1) <= (uint64_t)a->file_size,
               BASE_EFORMAT, "%s: record '%.200s': records of more than %s bytes that the file has (%lld)", a->path,
               info.name, a->packed ? "16 times the" : "the", (long long)a->file_size);
    a->records[i] = (Record){info.name, info.size, i, 0};
out:
    return st;
}

BaseStatus io_archive_sort(IoArchive *a)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(a->count, &a->by_name));
    if (!a->count) goto out;
    memcpy(a->by_name, a->records, a->count * sizeof *a->records);
    qsort(a->by_name, a->count, sizeof *a->by_name, base_ascending_text);
    for (size_t i = 1; i < a->count; i++)
        BASE_CHECK(strcmp(a->by_name[i - 1].name, a->by_name[i].name) != 0, BASE_EFORMAT,
                   "%s: the archive has two records '%.200s'", a->path, a->by_name[i].name);
out:
    return st;
}

BaseStatus io_archive_parts(const char *path, IoArchive **out)
{
    BaseStatus st = BASE_OK;
    IoArchive *a = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &a));
    BASE_TRY(base_strdup(path, &a->path));
    BASE_TRY(io_file_size(path, &a->file_size));
    a->unpacked = a->file_size;
    a->parts = fopen(path, "rb");
    BASE_CHECK(a->parts, BASE_EIO, "%s: cannot be read", path);
    *out = a;
    a = NULL;
out:
    io_archive_close(a);
    return st;
}

BaseStatus io_archive_add_part(IoArchive *a, const char *name, int64_t offset, int64_t size)
{
    BaseStatus st = BASE_OK;
    char *own = NULL;
    BASE_CHECK(offset >= 0 && size >= 0 && offset <= a->file_size && size <= a->file_size - offset, BASE_EFORMAT,
               "%s: %.200s: %lld bytes from byte %lld on are not within the file of %lld bytes", a->path, name,
               (long long)size, (long long)offset, (long long)a->file_size);
    BASE_CHECK(a->count < RECORDS, BASE_ELIMIT, "%s: a file of more than %d parts", a->path, RECORDS);
    BASE_TRY(BASE_GROW_BY_ONE(&a->records, a->count));
    BASE_TRY(base_strdup(name, &own));
    a->records[a->count] = (Record){own, (uint64_t)size, a->count, offset};
    a->count++;
out:
    return st;
}

BaseStatus io_archive_open(const char *path, IoArchive **out)
{
    BaseStatus st = BASE_OK;
    IoArchive *a = NULL;
    uint64_t total = 0;
    int code = 0;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &a));
    BASE_TRY(base_strdup(path, &a->path));
    BASE_TRY(io_file_size(path, &a->file_size));
    a->zip = zip_open(path, ZIP_RDONLY, &code);
    if (!a->zip) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        st = zip_failure(path, &error);
        zip_error_fini(&error);
        goto out;
    }
    zip_int64_t count = zip_get_num_entries(a->zip, 0);
    BASE_CHECK(count >= 0 && count <= RECORDS, BASE_ELIMIT, "%s: an archive of %lld records; at most %d are read", path,
               (long long)count, RECORDS);
    a->count = (size_t)count;
    BASE_TRY(BASE_ALLOC(a->count, &a->records));
    for (size_t i = 0; i < a->count; i++) BASE_TRY(check_record(a, i, &total));
    a->unpacked = a->packed && (int64_t)total > a->file_size ? (int64_t)total : a->file_size;
    BASE_TRY(io_archive_sort(a));
    *out = a;
    a = NULL;
out:
    io_archive_close(a);
    return st;
}

void io_archive_close(IoArchive *a)
{
    if (!a) return;
    if (a->zip) zip_discard(a->zip);
    if (a->parts) {
        fclose(a->parts);
        for (size_t i = 0; i < a->count; i++) base_free((char *)a->records[i].name);
    }
    base_free(a->path);
    base_free(a->records);
    base_free(a->by_name);
    base_free(a);
}

int64_t io_archive_unpacked(const IoArchive *a) { return a->unpacked; }
size_t io_archive_count(const IoArchive *a) { return a->count; }
const char *io_archive_name(const IoArchive *a, size_t index) { return a->records[index].name; }
size_t io_archive_size(const IoArchive *a, size_t index) { return (size_t)a->records[index].size; }

int64_t io_archive_find(const IoArchive *a, const char *name)
{
    Record key = {.name = name};
    const Record *found = a->count ? bsearch(&key, a->by_name, a->count, sizeof key, base_ascending_text) : NULL;
    return found ? (int64_t)found->index : -1;
}

static BaseStatus read_part(IoArchive *a, const Record *part, void *out)
{
    bool fine = fseeko(a->parts, (off_t)part->offset, SEEK_SET) == 0 &&
                fread(out, 1, (size_t)part->size, a->parts) == part->size;
    return fine ? BASE_OK : base_error_set(BASE_EIO, "%s: %.200s cannot be read", a->path, part->name);
}

BaseStatus io_archive_read(IoArchive *a, size_t index, void *out)
{
    if (a->parts) return read_part(a, &a->records[index], out);
    BaseStatus st = BASE_OK;
    uint64_t size = a->records[index].size, at = 0;
    char past;
    zip_file_t *file = zip_fopen_index(a->zip, index, 0);
    if (!file) BASE_TRY(zip_failure(a->path, zip_get_error(a->zip)));
    while (at < size) {
        zip_int64_t got = zip_fread(file, (char *)out + at, size - at);
        if (got < 0) BASE_TRY(zip_failure(a->path, zip_file_get_error(file)));
        BASE_CHECK(got > 0, BASE_EFORMAT, "%s: record '%.200s' ends after %llu of %llu bytes", a->path,
                   a->records[index].name, (unsigned long long)at, (unsigned long long)size);
        at += (uint64_t)got;
    }
    zip_int64_t more = zip_fread(file, &past, 1); /* checks the sum */
    if (more < 0) BASE_TRY(zip_failure(a->path, zip_file_get_error(file)));
    BASE_CHECK(more == 0, BASE_EFORMAT, "%s: record '%.200s' has more than the %llu bytes that it should have", a->path,
               a->records[index].name, (unsigned long long)size);
out:
    if (file) zip_fclose(file);
    return st;
}

/* ---- writing ---- */

struct IoArchiveWriter {
    IoWriter *file;
    char *path;
    uint64_t size;
    BaseText directory;
    size_t count;
};

BaseStatus io_archive_create(const char *path, IoArchiveWriter **out)
{
    BaseStatus st = BASE_OK;
    IoArchiveWriter *w = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &w));
    BASE_TRY(base_strdup(path, &w->path));
    BASE_TRY(io_writer_open(path, &w->file));
    *out = w;
    w = NULL;
out:
    io_archive_drop(w);
    return st;
}

static uint64_t least(uint64_t value, uint64_t most) { return value < most ? value : most; }

/* What the local header and the directory's entry say alike, from "version needed" on. */
static void add_facts(BaseText *text, bool large, uint32_t sum, uint64_t size, size_t name_size, size_t extra)
{
    base_text_le(text, large ? VERSION_LARGE : VERSION, 2);
    base_text_le(text, UTF8_NAMES, 2);
    base_text_le(text, 0, 2); /* stored */
    base_text_le(text, 0, 2);
    base_text_le(text, FIRST_OF_1980, 2);
    base_text_le(text, sum, 4);
    base_text_le(text, least(size, SEE_LARGE_32), 4);
    base_text_le(text, least(size, SEE_LARGE_32), 4);
    base_text_le(text, name_size, 2);
    base_text_le(text, extra, 2);
}

/* The zip64 extra field (4.5.3): a record's two sizes and its place, those that do not fit elsewhere. */
static size_t large_size(bool sizes, bool place) { return sizes || place ? 4 + 16u * sizes + 8u * place : 0; }

static void add_large(BaseText *text, bool sizes, uint64_t size, bool place, uint64_t at)
{
    if (!sizes && !place) return;
    base_text_le(text, LARGE_ID, 2);
    base_text_le(text, large_size(sizes, place) - 4, 2);
    for (int i = 0; sizes && i < 2; i++) base_text_le(text, size, 8);
    if (place) base_text_le(text, at, 8);
}

BaseStatus io_archive_add(IoArchiveWriter *w, const char *name, const void *bytes, size_t size)
{
    BaseStatus st = BASE_OK;
    BaseText head = {0};
    bool large = size >= SEE_LARGE_32, far = w->size >= SEE_LARGE_32;
    size_t name_size = strlen(name), extra = large_size(large, false);
    size_t padding = (ALIGN - (w->size + 30 + name_size + extra + 4) % ALIGN) % ALIGN;
    uint32_t sum = (uint32_t)crc32_z(0, bytes, size);
    BASE_CHECK(name_size <= UINT16_MAX && w->count < RECORDS, BASE_ELIMIT,
               "%s: a PyTorch file of more than %d records cannot be written; .safetensors has no such limit", w->path,
               RECORDS);
    base_text_le(&head, 0x04034b50, 4);
    add_facts(&head, large, sum, size, name_size, extra + 4 + padding);
    base_text_append(&head, name, name_size);
    add_large(&head, large, size, false, 0);
    base_text_le(&head, PADDING_ID, 2);
    base_text_le(&head, padding, 2);
    for (size_t i = 0; i < padding; i++) base_text_append(&head, "Z", 1);
    BASE_TRY(head.st);
    base_text_le(&w->directory, 0x02014b50, 4);
    base_text_le(&w->directory, large || far ? VERSION_LARGE : VERSION, 2);
    add_facts(&w->directory, large || far, sum, size, name_size, large_size(large, far));
    base_text_le(&w->directory, 0, 2 + 2 + 2); /* no comment, disk 0, no attributes */
    base_text_le(&w->directory, 0, 4);
    base_text_le(&w->directory, least(w->size, SEE_LARGE_32), 4);
    base_text_append(&w->directory, name, name_size);
    add_large(&w->directory, large, size, far, w->size);
    BASE_TRY(w->directory.st);
    BASE_TRY(io_writer_add(w->file, head.data, head.size));
    BASE_TRY(io_writer_add(w->file, bytes, size));
    w->size += head.size + size;
    w->count++;
out:
    base_text_free(&head);
    return st;
}

/* The zip64 end of the directory and its locator (4.3.14, 4.3.15), where the plain end cannot say it. */
static void add_large_end(BaseText *text, size_t count, uint64_t size, uint64_t at)
{
    base_text_le(text, 0x06064b50, 4);
    base_text_le(text, 44, 8); /* bytes that follow */
    base_text_le(text, VERSION_LARGE, 2);
    base_text_le(text, VERSION_LARGE, 2);
    base_text_le(text, 0, 8); /* disks */
    base_text_le(text, count, 8);
    base_text_le(text, count, 8);
    base_text_le(text, size, 8);
    base_text_le(text, at, 8);
    base_text_le(text, 0x07064b50, 4);
    base_text_le(text, 0, 4);
    base_text_le(text, at + size, 8);
    base_text_le(text, 1, 4);
}

BaseStatus io_archive_finish_take(IoArchiveWriter *w)
{
    BaseStatus st = BASE_OK;
    size_t size = w->directory.size;
    if (w->count >= SEE_LARGE_16 || size >= SEE_LARGE_32 || w->size >= SEE_LARGE_32)
        add_large_end(&w->directory, w->count, size, w->size);
    base_text_le(&w->directory, 0x06054b50, 4);
    base_text_le(&w->directory, 0, 4);
    base_text_le(&w->directory, least(w->count, SEE_LARGE_16), 2);
    base_text_le(&w->directory, least(w->count, SEE_LARGE_16), 2);
    base_text_le(&w->directory, least(size, SEE_LARGE_32), 4);
    base_text_le(&w->directory, least(w->size, SEE_LARGE_32), 4);
    base_text_le(&w->directory, 0, 2);
    BASE_TRY(w->directory.st);
    BASE_TRY(io_writer_add(w->file, w->directory.data, w->directory.size));
    st = io_writer_finish_take(w->file);
    w->file = NULL;
out:
    io_archive_drop(w);
    return st;
}

void io_archive_drop(IoArchiveWriter *w)
{
    if (!w) return;
    io_writer_drop(w->file);
    base_text_free(&w->directory);
    base_free(w->path);
    base_free(w);
}
