/* io/hdf5_check.c - a few bytes can declare an array of any size. Deflate, the strongest common filter, packs at most
 * 1032 to 1, so an array may be at most RATIO times what the file stores of it, plus FREE_BYTES that nothing need be
 * stored of (fill values); and no more can be stored of it than the file is long. Arrays in other files (external
 * storage, external links, virtual arrays) are refused: the file would read what its sender cannot. */
#include "io/hdf5_check.h"

#include "base/memory.h"
#include "base/param.h"

/* LINK_BYTES: less than the smallest form of a link takes (8 bytes of address, and a header, a name or both). */
enum { DEPTH = 32, OBJECTS = 1 << 20, LINK_BYTES = 12, LINKS_FREE = 1024 };
static const int64_t RATIO = 1100, FREE_BYTES = (int64_t)64 << 20, LARGEST_CHUNK = (int64_t)512 << 20;

typedef struct {
    int64_t file_size, links;
    IoHdf5Seen seen;
    IoHdf5Visit visit;
    void *user;
    int depth;
    BaseStatus st;
} Walk;

/* ---- what was met ---- */

/* Where @p key is, or belongs. */
static size_t slot_of(const IoHdf5Seen *seen, uint64_t key)
{
    size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (seen->room - 1); /* 2^64 over the golden ratio */
    while (seen->slot[at] && seen->slot[at] != key) at = (at + 1) & (seen->room - 1);
    return at;
}

static BaseStatus seen_grow(IoHdf5Seen *seen)
{
    IoHdf5Seen wide = {.count = seen->count, .room = seen->room ? 2 * seen->room : 256};
    BaseStatus st = BASE_ALLOC(wide.room, &wide.slot);
    if (st != BASE_OK) return st;
    for (size_t i = 0; i < seen->room; i++)
        if (seen->slot[i]) wide.slot[slot_of(&wide, seen->slot[i])] = seen->slot[i];
    base_free(seen->slot);
    *seen = wide;
    return BASE_OK;
}

BaseStatus io_hdf5_seen_add(IoHdf5Seen *seen, hid_t object, bool *first)
{
    BaseStatus st = BASE_OK;
    H5O_info_t info;
    *first = false;
    BASE_CHECK(H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0, BASE_EFORMAT, "%s", io_hdf5_reason());
    if (2 * seen->count >= seen->room) BASE_TRY(seen_grow(seen));
    uint64_t key = (uint64_t)info.addr + 1;
    size_t at = slot_of(seen, key);
    *first = seen->slot[at] == 0;
    seen->slot[at] = key;
    seen->count += *first;
out:
    return st;
}

void io_hdf5_seen_free(IoHdf5Seen *seen)
{
    base_free(seen->slot);
    *seen = (IoHdf5Seen){0};
}

/* ---- arrays ---- */

/* libhdf5's scale-offset filter reads past its input even on files that libhdf5 wrote, and a filter that it does not
 * know may be a library that it would look for and load. */
static BaseStatus check_filters(hid_t creation, const char *name)
{
    static const H5Z_filter_t READ[] = {H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32};
    int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count; i++) {
        char filter[64] = "";
        unsigned flags;
        size_t values = 0;
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof filter, filter, NULL);
        bool known = false;
        for (size_t k = 0; k < BASE_COUNT(READ); k++) known |= id == READ[k];
        if (!known)
            return base_error_set(BASE_EFORMAT,
                                  "%.100s is compressed by filter %d '%.60s'; only deflate (gzip), shuffle and "
                                  "fletcher32 are read; write it again with one of them (h5py: compression=\"gzip\")",
                                  name, (int)id, filter);
    }
    return BASE_OK;
}

static BaseStatus check_chunks(hid_t creation, int64_t width, int ndim, const char *name, hsize_t *chunk)
{
    BaseStatus st = BASE_OK;
    int64_t bytes = width;
    BASE_CHECK(H5Pget_chunk(creation, IO_H5_DIMS, chunk) == ndim, BASE_EFORMAT, "%.100s: its chunks are damaged", name);
    for (int d = 0; d < ndim; d++)
        BASE_CHECK(chunk[d] > 0 && chunk[d] < (hsize_t)1 << 32 &&
                       !__builtin_mul_overflow(bytes, (int64_t)chunk[d], &bytes) && bytes <= LARGEST_CHUNK,
                   BASE_EFORMAT, "%.100s has chunks of more than %lld bytes", name, (long long)LARGEST_CHUNK);
out:
    return st;
}

/* The place first: of a virtual array even the shape is read from the files that it names. */
static BaseStatus check_array(const Walk *walk, hid_t data, const char *name, hsize_t *chunk)
{
    BaseStatus st = BASE_OK;
    IoH5Info info = {0};
    int64_t bytes;
    hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID, creation = H5Dget_create_plist(data);
    BASE_CHECK(creation >= 0, BASE_EFORMAT, "%.100s: %s", name, io_hdf5_reason());
    H5D_layout_t layout = H5Pget_layout(creation);
    BASE_CHECK(layout != H5D_VIRTUAL && H5Pget_external_count(creation) <= 0, BASE_EFORMAT,
               "%.100s is stored in other files, which are not read", name);
    BASE_TRY(check_filters(creation, name));
    type = H5Dget_type(data);
    space = H5Dget_space(data);
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%.100s: %s", name, io_hdf5_reason());
    if (!io_hdf5_extent(space, &info)) goto out; /* nobody reads it */
    int64_t width = (int64_t)H5Tget_size(type);
    if (layout == H5D_CHUNKED) BASE_TRY(check_chunks(creation, width, info.ndim, name, chunk));
    hsize_t stored = H5Dget_storage_size(data);
    BASE_CHECK(stored <= (hsize_t)walk->file_size, BASE_EFORMAT, "%.100s stores %llu bytes in a file of %lld", name,
               (unsigned long long)stored, (long long)walk->file_size);
    BASE_CHECK(!__builtin_mul_overflow(info.count, width, &bytes) &&
                   bytes / RATIO <= (int64_t)stored + FREE_BYTES / RATIO,
               BASE_EFORMAT, "%.100s declares %lld elements of %lld bytes but stores %llu bytes", name,
               (long long)info.count, (long long)width, (unsigned long long)stored);
out:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (creation >= 0) H5Pclose(creation);
    return st;
}

/* ---- the walk ---- */

static BaseStatus meet(Walk *walk, hid_t object, const char *name);

static herr_t meet_link(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    Walk *walk = user;
    BaseStatus st = BASE_OK;
    hid_t object = H5I_INVALID_HID;
    BASE_CHECK(walk->links++ < walk->file_size / LINK_BYTES + LINKS_FREE, BASE_EFORMAT,
               "more links than %lld bytes can hold", (long long)walk->file_size);
    if (info->type == H5L_TYPE_SOFT) return 0; /* what it names is met by its own name */
    BASE_CHECK(info->type == H5L_TYPE_HARD, BASE_EFORMAT, "%.100s links to another file, which is not read", name);
    object = H5Oopen(group, name, H5P_DEFAULT);
    BASE_CHECK(object >= 0, BASE_EFORMAT, "%.100s cannot be opened: %s", name, io_hdf5_reason());
    BASE_TRY(meet(walk, object, name));
out:
    if (object >= 0) H5Oclose(object);
    if (st != BASE_OK) walk->st = st;
    return st == BASE_OK ? 0 : -1;
}

static BaseStatus meet(Walk *walk, hid_t object, const char *name)
{
    BaseStatus st = BASE_OK;
    H5O_info_t info;
    bool first;
    hsize_t chunk[IO_H5_DIMS];
    BASE_TRY(io_hdf5_seen_add(&walk->seen, object, &first));
    if (!first) goto out;
    BASE_CHECK(H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0, BASE_EFORMAT, "%.100s: %s", name, io_hdf5_reason());
    BASE_CHECK(walk->seen.count <= OBJECTS, BASE_EFORMAT, "more than %d arrays and groups", OBJECTS);
    BASE_CHECK(walk->depth < DEPTH, BASE_EFORMAT, "%.100s: groups nested more than %d deep", name, DEPTH);
    for (int d = 0; d < IO_H5_DIMS; d++) chunk[d] = 1;
    if (info.type == H5O_TYPE_DATASET) BASE_TRY(check_array(walk, object, name, chunk));
    if (walk->visit) BASE_TRY(walk->visit(walk->user, &(IoHdf5Object){object, info.type, name, chunk}));
    if (info.type != H5O_TYPE_GROUP) goto out;
    walk->depth++;
    herr_t rc = H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, meet_link, walk);
    walk->depth--;
    BASE_TRY(walk->st);
    BASE_CHECK(rc >= 0, BASE_EFORMAT, "%.100s cannot be listed: %s", name, io_hdf5_reason());
out:
    return st;
}

BaseStatus io_hdf5_check(hid_t file, int64_t size, IoHdf5Visit visit, void *user)
{
    BaseStatus st = BASE_OK;
    Walk walk = {.file_size = size, .visit = visit, .user = user, .st = BASE_OK};
    hid_t root = H5Oopen(file, "/", H5P_DEFAULT);
    BASE_CHECK(root >= 0, BASE_EFORMAT, "%s", io_hdf5_reason());
    BASE_TRY(meet(&walk, root, "/"));
out:
    io_hdf5_seen_free(&walk.seen);
    if (root >= 0) H5Oclose(root);
    return st;
}
