/* data/stream/hashes.c - records sorted by a hash of the path; what is found is looked up, the rest is read on all threads. */
#include "data/stream/hashes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/prepare/parallel.h"
#include "io/file.h"

/* One file in the cache, as it lies there. */
typedef struct {
    uint64_t path;                 /* FNV-1a of its path below the root */
    int64_t size, changed, status; /* times in nanoseconds */
    uint8_t digest[DATA_DIGEST];
} Record;

typedef struct {
    char magic[24];
    int64_t count;
    char hash[BASE_HASH_HEX]; /* of the records */
    char pad[7];
} Head;
static const char MAGIC[24] = "expunge file hashes 1\n";
enum { FRESH_S = 2 }; /* a file changed a moment ago may change again within the clock's grain, unseen: not stored */

typedef struct {
    const char *root;
    size_t root_length;
    const BaseTexts *paths;
    uint8_t (*out)[DATA_DIGEST];
    const Record *known; /* [known_count], sorted */
    size_t known_count;
    Record *now; /* [n]; size -1: not to be stored */
    int64_t started;
    int64_t fresh; /* files that were not known, and are to be stored */
} Work;

static int by_path(const void *a, const void *b)
{
    const Record *x = a, *y = b;
    return (x->path > y->path) - (x->path < y->path);
}

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

void data_digest_from_hex(const char *hex, uint8_t out[DATA_DIGEST])
{
    for (int i = 0; i < DATA_DIGEST; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
}

/* The part of a path that stays when the folder is called otherwise. */
static const char *below(const Work *w, const char *path)
{
    return strncmp(path, w->root, w->root_length) == 0 ? path + w->root_length : path;
}

static BaseStatus hash_one(void *user, int64_t i)
{
    Work *w = user;
    Record *r = &w->now[i];
    const char *path = base_texts_at(w->paths, i);
    struct stat info;
    char hex[BASE_HASH_HEX];
    r->size = -1;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return BASE_OK;
    *r = (Record){.path = base_hash_fnv1a(below(w, path)),
                  .size = info.st_size,
                  .changed = nanoseconds(info.st_mtim),
                  .status = nanoseconds(info.st_ctim)};
    const Record *found = w->known ? bsearch(r, w->known, w->known_count, sizeof *r, by_path) : NULL;
    if (found && found->size == r->size && found->changed == r->changed && found->status == r->status) {
        memcpy(w->out[i], found->digest, DATA_DIGEST);
        memcpy(r->digest, found->digest, DATA_DIGEST);
        return BASE_OK;
    }
    BaseStatus st = base_hash_file(path, hex);
    if (st != BASE_OK) {
        r->size = -1;
        if (!io_path_is_no_file(path)) return st;
        base_error_clear();
        return BASE_OK;
    }
    data_digest_from_hex(hex, w->out[i]);
    memcpy(r->digest, w->out[i], DATA_DIGEST);
    if (r->changed > w->started || r->status > w->started) {
        r->size = -1;
        return BASE_OK;
    }
#pragma omp atomic
    w->fresh++;
    return BASE_OK;
}

static BaseStatus file_of(const char *root, char **out)
{
    BaseStatus st = BASE_OK;
    char *folder = NULL, *real = realpath(root, NULL), hex[BASE_HASH_HEX];
    *out = NULL;
    if (!real) return BASE_OK;
    base_hash_bytes(real, strlen(real), hex);
    BASE_TRY(io_folder_cache(&folder));
    if (folder) BASE_TRY(base_format(out, "%s/files-%.24s", folder, hex));
out:
    base_free(folder);
    free(real);
    return st;
}

/* A file that cannot be used is as none: what it would say is computed. */
static BaseStatus read_known(const char *path, char **bytes, Work *w)
{
    size_t size;
    Head head;
    char hex[BASE_HASH_HEX];
    if (!path || !io_path_exists(path)) return BASE_OK;
    BaseStatus st = io_file_read(path, 0, bytes, &size);
    if (st == BASE_ENOMEM) return st;
    if (st != BASE_OK || size < sizeof head) return base_error_clear(), BASE_OK;
    memcpy(&head, *bytes, sizeof head);
    const char *records = *bytes + sizeof head;
    size -= sizeof head;
    if (memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || size % sizeof(Record) != 0) return BASE_OK;
    base_hash_bytes(records, size, hex);
    if (memcmp(head.hash, hex, BASE_HASH_HEX) != 0) return BASE_OK;
    w->known = (const Record *)(const void *)records; /* base_alloc aligns to 64, and a head is 104 */
    w->known_count = size / sizeof(Record);
    return BASE_OK;
}

/* What is known now, and what was known of other files below the root. */
static BaseStatus write_known(const char *path, const Work *w, int64_t n)
{
    BaseStatus st = BASE_OK;
    char *bytes = NULL, *folder = NULL;
    int64_t fresh = 0;
    BASE_TRY(base_alloc_bytes(1, sizeof(Head) + (w->known_count + (size_t)n) * sizeof(Record), (void **)&bytes));
    Head *head = (Head *)(void *)bytes;
    Record *all = (Record *)(void *)(bytes + sizeof *head);
    for (int64_t i = 0; i < n; i++)
        if (w->now[i].size >= 0) all[fresh++] = w->now[i];
    qsort(all, (size_t)fresh, sizeof *all, by_path);
    size_t count = (size_t)fresh;
    for (size_t k = 0; k < w->known_count; k++)
        if (!bsearch(&w->known[k], all, (size_t)fresh, sizeof *all, by_path)) all[count++] = w->known[k];
    qsort(all, count, sizeof *all, by_path);
    memcpy(head->magic, MAGIC, sizeof MAGIC);
    head->count = (int64_t)count;
    base_hash_bytes(all, count * sizeof *all, head->hash);
    BASE_TRY(base_strdup(path, &folder));
    *strrchr(folder, '/') = '\0';
    st = io_folder_make(folder);
    if (st == BASE_OK) st = io_file_write(path, bytes, sizeof *head + count * sizeof *all);
    if (st != BASE_OK && st != BASE_ENOMEM) st = BASE_OK, base_error_clear(); /* the next process hashes them again */
out:
    base_free(bytes);
    base_free(folder);
    return st;
}

BaseStatus data_hashes(const char *root, const BaseTexts *paths, int64_t n, uint8_t (*out)[DATA_DIGEST])
{
    BaseStatus st = BASE_OK;
    Work w = {.root = root, .root_length = strlen(root), .paths = paths, .out = out};
    char *path = NULL, *bytes = NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    w.started = nanoseconds(now) - (int64_t)FRESH_S * 1000000000;
    memset(out, 0, (size_t)n * sizeof *out);
    BASE_TRY(BASE_ALLOC(n, &w.now));
    BASE_TRY(file_of(root, &path));
    BASE_TRY(read_known(path, &bytes, &w));
    BASE_TRY(data_parallel(n, hash_one, &w, "hash files"));
    if (path && w.fresh > 0) BASE_TRY(write_known(path, &w, n));
out:
    base_free(bytes);
    base_free(w.now);
    base_free(path);
    return st;
}
