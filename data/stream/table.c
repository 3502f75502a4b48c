/* data/stream/table.c - reads, decodes and prepares one image at a time, whichever thread asks. */
#include "data/stream/table.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/prepare/parallel.h"
#include "data/prepare/resize.h"
#include "data/set/build.h"
#include "data/stream/kept.h"
#include "io/file.h"
#include "io/image.h"

enum { NAMED = 20 };
const DataPrep data_table_prep = {256, 0, 224, 224, DATA_BILINEAR, false};
static const float MEAN[] = {0.485f, 0.456f, 0.406f}, STD[] = {0.229f, 0.224f, 0.225f};

typedef struct {
    DataReader reader; /* first: a set knows the table by it */
    DataFiles files;
    DataPrep prep;
    int64_t H, W;
    size_t size; /* bytes of a prepared image */
    DataKept *kept;
    char *name;
    _Atomic bool told_damaged, told_clipped;
} Table;

static void table_free(DataReader *reader)
{
    Table *t = (Table *)reader;
    if (!t) return;
    data_files_free(&t->files);
    data_kept_free(t->kept);
    base_free(t->name);
    base_free(t);
}

static bool is_broken(BaseStatus st) { return st == BASE_EFORMAT || st == BASE_ELIMIT; }

BaseStatus data_table_shape(const DataFiles *files, const DataPrep *prep, int64_t *H, int64_t *W)
{
    BaseStatus st = BASE_OK;
    bool cropped = prep->crop_h > 0;
    *H = cropped ? prep->crop_h : prep->resize_h;
    *W = cropped ? prep->crop_w : prep->resize_w;
    if (*W) return BASE_OK;
    for (int64_t i = 0; i < files->n; i++) {
        IoImage image;
        char name[DATA_FILE_NAME];
        st = data_files_image(files, i, &image);
        if (is_broken(st)) continue; /* told when it is its turn */
        if (st == BASE_OK) st = data_resize_shape(prep, image.H, image.W, data_files_name(files, i, name), H, W);
        io_image_free(&image);
        return st;
    }
    return st;
}

static BaseStatus decode(const Table *t, int64_t i, void *out, bool *damaged, bool *clipped)
{
    char room[DATA_FILE_NAME];
    const char *path = data_files_name(&t->files, i, room);
    IoImage image;
    int64_t H, W;
    BaseStatus st = data_files_image(&t->files, i, &image);
    if (st == BASE_OK) st = data_resize_shape(&t->prep, image.H, image.W, path, &H, &W);
    if (st == BASE_OK && (H != t->H || W != t->W))
        st = base_error_set(
            BASE_EFORMAT,
            "%s: becomes %lld x %lld pixels where the first image becomes %lld x %lld; crop, or resize to HxW, gives "
            "all the same size",
            path, (long long)W, (long long)H, (long long)t->W, (long long)t->H);
    if (st == BASE_OK) {
        const int64_t C = DATA_TABLE_CHANNELS;
        DataPixels in = {image.rgb, C, image.H, image.W, 1, (size_t)(image.W * C), (size_t)C};
        st = data_resize(&in, &t->prep, out);
    }
    *damaged = st == BASE_OK && image.damaged;
    *clipped = st == BASE_OK && image.clipped;
    io_image_free(&image);
    return st;
}

/* The sentence of a broken image, with the way out. */
static BaseStatus with_cure(BaseStatus st)
{
    char why[2048];
    if (!is_broken(st)) return st;
    snprintf(why, sizeof why, "%s", base_error_text());
    return base_error_set(st, "%s (broken: skip would leave such images out)", why);
}

static BaseStatus table_read(DataReader *reader, int64_t i, void *out)
{
    Table *t = (Table *)reader;
    bool damaged, clipped;
    char name[DATA_FILE_NAME];
    if (data_kept_get(t->kept, i, out)) return BASE_OK;
    BaseStatus st = with_cure(decode(t, i, out, &damaged, &clipped));
    if (st != BASE_OK) return st;
    if (damaged && !atomic_exchange(&t->told_damaged, true))
        base_warning("%s: is damaged inside and was decoded all the same; others like it in %s are not named",
                     data_files_name(&t->files, i, name), t->name);
    if (clipped && !atomic_exchange(&t->told_clipped, true))
        base_warning("%s: is grey of 16 bits; values over 255 became 255, as in torchvision; others like it in %s are "
                     "not named",
                     data_files_name(&t->files, i, name), t->name);
    return data_kept_put(t->kept, i, out);
}

/* ------------------------------------------------------------ all images once */

typedef struct {
    Table *table;
    bool skip;
    char **broken;              /* [n] why an image is left out, or NULL */
    uint8_t *damaged, *clipped; /* [n] */
} Check;

static BaseStatus check_one(void *user, int64_t i)
{
    Check *c = user;
    Table *t = c->table;
    uint8_t *room = NULL;
    bool damaged = false, clipped = false;
    BaseStatus st = BASE_ALLOC_RAW(t->size, &room);
    if (st == BASE_OK) st = decode(t, i, room, &damaged, &clipped);
    if (st == BASE_OK) st = data_kept_put(t->kept, i, room);
    c->damaged[i] = damaged, c->clipped[i] = clipped;
    base_free(room);
    if (!is_broken(st)) return st;
    return c->skip ? base_strdup(base_error_text(), &c->broken[i]) : with_cure(st);
}

/* Closes the gaps of images left out, naming them. */
static BaseStatus drop_broken(const Check *c, uint8_t (*digest)[DATA_DIGEST])
{
    Table *t = c->table;
    DataFiles *files = &t->files;
    char name[DATA_FILE_NAME];
    int64_t n = files->n, kept = 0, broken = 0, damaged = 0, first = -1, clipped = 0, first_clipped = -1;
    for (int64_t i = 0; i < n; i++) {
        if (c->broken[i]) {
            if (broken++ < NAMED) base_warning("left out: %s", c->broken[i]);
            continue;
        }
        if (c->damaged[i] && damaged++ == 0) first = kept;
        if (c->clipped[i] && clipped++ == 0) first_clipped = kept;
        if (kept != i) memcpy(digest[kept], digest[i], sizeof *digest);
        data_files_move(files, i, kept++);
    }
    files->n = kept;
    if (broken) base_warning("%s: %lld of %lld images are left out", t->name, (long long)broken, (long long)n);
    if (damaged)
        base_warning("%s: %lld images are damaged inside and were decoded all the same; the first is %s", t->name,
                     (long long)damaged, data_files_name(files, first, name));
    if (clipped)
        base_warning(
            "%s: %lld of %lld images are grey of 16 bits; their values over 255 became 255, as in torchvision; "
            "the first is %s",
            t->name, (long long)clipped, (long long)kept, data_files_name(files, first_clipped, name));
    t->told_damaged = t->told_clipped = true;
    BaseStatus st = kept ? BASE_OK : base_error_set(BASE_EFORMAT, "%s: not one image could be decoded", t->name);
    if (broken && st == BASE_OK) { /* its images have other numbers now */
        data_kept_free(t->kept);
        t->kept = NULL;
        st = data_kept_create(kept, t->size, &t->kept);
    }
    return st;
}

static BaseStatus check_all(Table *t, bool skip, uint8_t (*digest)[DATA_DIGEST])
{
    BaseStatus st = BASE_OK;
    Check c = {.table = t, .skip = skip};
    int64_t n = t->files.n;
    BASE_TRY(BASE_ALLOC(n, &c.broken));
    BASE_TRY(BASE_ALLOC(n, &c.damaged));
    BASE_TRY(BASE_ALLOC(n, &c.clipped));
    BASE_TRY(data_parallel(n, check_one, &c, "read images"));
    BASE_TRY(drop_broken(&c, digest));
out:
    for (int64_t i = 0; c.broken && i < n; i++) base_free(c.broken[i]);
    base_free(c.broken);
    base_free(c.damaged);
    base_free(c.clipped);
    return st;
}

/* ------------------------------------------------------------ opening */

static BaseStatus table_make(const DataTableTask *task, Table **out)
{
    BaseStatus st = BASE_OK;
    Table *t = NULL;
    BASE_TRY(BASE_ALLOC(1, &t));
    t->reader = (DataReader){table_read, table_free};
    t->prep = task->prep;
    t->H = task->H, t->W = task->W;
    t->size = (size_t)(DATA_TABLE_CHANNELS * task->H * task->W);
    t->files = *task->files;
    *task->files = (DataFiles){0};
    BASE_TRY(base_strdup(task->name, &t->name));
    BASE_TRY(data_kept_create(t->files.n, t->size, &t->kept));
    *out = t;
    t = NULL;
out:
    if (t) table_free(&t->reader);
    return st;
}

/* What the images are: what is in their files, and how they are prepared. */
static BaseStatus hash_content(uint8_t (*digest)[DATA_DIGEST], DataSet *set)
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    BaseText prep = {0};
    data_prep_text(set, &prep);
    BASE_TRY(base_hash_create(&hash));
    base_hash_add_text(hash, base_text_of(&prep, &st));
    base_hash_add(hash, digest, (size_t)set->N * sizeof *digest);
    base_hash_finish(hash, set->content);
out:
    base_hash_free(hash);
    base_text_free(&prep);
    return st;
}

BaseStatus data_table_open(const DataTableTask *task, DataSet **out)
{
    BaseStatus st = BASE_OK;
    Table *t = NULL;
    DataSet *set = NULL;
    uint8_t(*digest)[DATA_DIGEST] = NULL;
    *out = NULL;
    BASE_TRY(table_make(task, &t));
    BASE_TRY(BASE_ALLOC_RAW(t->files.n, &digest));
    BASE_TRY(data_files_digests(&t->files, task->root, digest));
    if (task->skip_broken || (double)t->files.n * (double)t->size <= DATA_TABLE_WHOLE)
        BASE_TRY(check_all(t, task->skip_broken, digest));
    BASE_TRY(data_set_create_read(task->name, t->files.n, DATA_TABLE_CHANNELS, t->H, t->W, task->K, &set));
    memcpy(set->labels, t->files.class, (size_t)set->N * sizeof *set->labels);
    set->reader = &t->reader;
    t = NULL;
    BASE_TRY(data_set_name_classes(set, task->classes));
    data_set_normalise(set, MEAN, STD);
    set->prep = task->prep;
    set->classes_counted = !task->classes;
    BASE_TRY(hash_content(digest, set));
    BASE_TRY(data_set_finish(set, task->name, task->name));
    *out = set;
    set = NULL;
out:
    base_free(digest);
    if (t) table_free(&t->reader);
    data_files_free(task->files);
    data_set_free(set);
    return st;
}
