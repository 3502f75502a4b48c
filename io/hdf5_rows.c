/* io/hdf5_rows.c - rows of a large array of bytes without libhdf5, which threads cannot share: their places in the file are
 * asked for once, then each block is read and unpacked by whoever wants it. */
#include "io/hdf5_private.h"

#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "io/file.h"

enum { CHECKSUM = 4 };                                /* bytes that fletcher32 appends */
static const int64_t BLOCK_BYTES = (int64_t)64 << 20; /* of a chunk: larger ones are no way to single rows */

typedef struct {
    int64_t at, size;
} Place;

struct IoHdf5Rows {
    char *path;
    int64_t n, width, each; /* rows, bytes of one, rows of a block */
    Place *place;           /* [blocks], packed; NULL: all rows lie one after the other */
    int64_t at;             /* of the first row then */
    bool packed;            /* by deflate */
    int64_t before, behind; /* checksums that were appended before packing and after it */
};

void io_hdf5_rows_free(IoHdf5Rows *rows)
{
    if (!rows) return;
    base_free(rows->path);
    base_free(rows->place);
    base_free(rows);
}

int64_t io_hdf5_rows_each(const IoHdf5Rows *rows) { return rows->each; }

/* Which of the filters that io_hdf5_open lets pass there are, in their order; false: not ones that are undone here. */
static bool read_filters(hid_t creation, IoHdf5Rows *out)
{
    int count = H5Pget_nfilters(creation);
    if (count < 0) return false;
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (id == H5Z_FILTER_DEFLATE && !out->packed)
            out->packed = true;
        else if (id == H5Z_FILTER_FLETCHER32)
            *(out->packed ? &out->behind : &out->before) += CHECKSUM;
        else if (id != H5Z_FILTER_SHUFFLE) /* which leaves bytes where they are */
            return false;
    }
    return true;
}

/* false: a chunk is missing, or lies outside of the file. */
static bool find_chunks(hid_t data, const hsize_t *chunk, int64_t file_size, IoHdf5Rows *out)
{
    hsize_t offset[IO_H5_DIMS] = {0};
    int64_t whole = out->each * out->width, most = 2 * whole + 1024;
    for (int64_t b = 0; b < (out->n + out->each - 1) / out->each; b++) {
        unsigned skipped = 0;
        haddr_t at = HADDR_UNDEF;
        hsize_t size = 0;
        offset[0] = (hsize_t)b * chunk[0];
        if (H5Dget_chunk_info_by_coord(data, offset, &skipped, &at, &size) < 0 || at == HADDR_UNDEF || skipped)
            return false;
        if (size > (hsize_t)most || at > (haddr_t)file_size || (int64_t)size > file_size - (int64_t)at) return false;
        if (!out->packed && (int64_t)size != whole + out->before) return false;
        out->place[b] = (Place){(int64_t)at, (int64_t)size};
    }
    return true;
}

/* *found: whether the rows lie as io_hdf5_rows wants them. */
static BaseStatus find_rows(hid_t file, hid_t data, hid_t creation, const IoH5Info *info, IoHdf5Rows *out, bool *found)
{
    BaseStatus st = BASE_OK;
    hsize_t chunk[IO_H5_DIMS] = {0}, ahead = 1;
    int64_t size;
    hid_t own = H5Fget_create_plist(file);
    *found = false;
    if (own < 0 || H5Pget_userblock(own, &ahead) < 0 || ahead > 0) goto out; /* places would count from elsewhere */
    BASE_TRY(io_file_size(out->path, &size));
    if (H5Pget_layout(creation) == H5D_CONTIGUOUS) {
        haddr_t at = H5Dget_offset(data);
        out->each = 1;
        out->at = (int64_t)at;
        *found = at != HADDR_UNDEF && at <= (haddr_t)size && out->n * out->width <= size - (int64_t)at &&
                 H5Pget_external_count(creation) == 0;
        goto out;
    }
    if (H5Pget_layout(creation) != H5D_CHUNKED || H5Pget_chunk(creation, info->ndim, chunk) != info->ndim) goto out;
    for (int d = 1; d < info->ndim; d++)
        if ((int64_t)chunk[d] != info->shape[d]) goto out; /* parts of rows */
    out->each = (int64_t)chunk[0];
    if (out->each < 1 || out->each > BLOCK_BYTES / out->width || !read_filters(creation, out)) goto out;
    BASE_TRY(BASE_ALLOC_RAW((out->n + out->each - 1) / out->each, &out->place));
    *found = find_chunks(data, chunk, size, out);
out:
    if (own >= 0) H5Pclose(own);
    return st;
}

BaseStatus io_hdf5_rows(IoHdf5 *file, const char *path, IoHdf5Rows **out)
{
    BaseStatus st = BASE_OK;
    IoHdf5Rows *r = NULL;
    IoH5Info info;
    hid_t data = H5I_INVALID_HID, creation = H5I_INVALID_HID, type = H5I_INVALID_HID;
    bool found = false;
    *out = NULL;
    BASE_TRY(io_hdf5_info(file, path, &info));
    if (info.stored != IO_H5_U8 || info.count == 0 || info.ndim < 1) return BASE_OK;
    data = io_hdf5_object(file, path);
    if (data >= 0) creation = H5Dget_create_plist(data);
    if (data >= 0) type = H5Dget_type(data);
    if (creation < 0 || type < 0 || H5Tget_size(type) != 1) goto out;
    BASE_TRY(BASE_ALLOC(1, &r));
    *r = (IoHdf5Rows){.n = info.shape[0], .width = info.count / info.shape[0]};
    BASE_TRY(base_strdup(file->path, &r->path));
    BASE_TRY(find_rows(file->id, data, creation, &info, r, &found));
    if (found) *out = r;
out:
    if (type >= 0) H5Tclose(type);
    if (creation >= 0) H5Pclose(creation);
    if (data >= 0) H5Oclose(data);
    if (!*out) io_hdf5_rows_free(r);
    return st;
}

BaseStatus io_hdf5_rows_read(const IoHdf5Rows *r, int64_t block, uint8_t *out)
{
    BaseStatus st = BASE_OK;
    char *bytes = NULL;
    const int64_t whole = r->each * r->width;
    const Place at = r->place ? r->place[block] : (Place){r->at + block * r->width, r->width};
    BASE_TRY(io_file_read_part(r->path, at.at, (size_t)at.size, &bytes));
    if (!r->packed) {
        memcpy(out, bytes, (size_t)whole);
    } else {
        uint8_t *room = out;
        uLongf got = (uLongf)(whole + r->before);
        if (r->before) BASE_TRY(BASE_ALLOC_RAW(got, &room));
        int rc = uncompress(room, &got, (const Bytef *)bytes, (uLong)(at.size - r->behind));
        bool good = rc == Z_OK && (int64_t)got == whole + r->before;
        if (good && room != out) memcpy(out, room, (size_t)whole);
        if (room != out) base_free(room);
        BASE_CHECK(good, BASE_EFORMAT,
                   "%s: the chunk at byte %lld cannot be unpacked: the file was changed after it was opened", r->path,
                   (long long)at.at);
    }
out:
    base_free(bytes);
    return st;
}
