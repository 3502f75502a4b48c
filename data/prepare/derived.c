/* data/prepare/derived.c - each read goes on to the set that has the image: nothing of a large set is held twice. */
#include "data/prepare/derived.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "data/prepare/resize.h"
#include "data/set/build.h"

struct DataOriginals {
    _Atomic int holders;
    DataSet *set[DATA_SPLITS];
};

BaseStatus data_originals_create(DataOriginals **out)
{
    BaseStatus st = BASE_ALLOC(1, out);
    if (st == BASE_OK) (*out)->holders = 1;
    return st;
}

void data_originals_drop(DataOriginals *originals)
{
    if (!originals || --originals->holders > 0) return;
    for (int s = 0; s < DATA_SPLITS; s++) data_set_free(originals->set[s]);
    base_free(originals);
}

void data_originals_take(DataOriginals *originals, DataSplit split, DataSet *set) { originals->set[split] = set; }

/* ------------------------------------------------------------ picked */

typedef struct {
    DataReader reader; /* first: a set knows it by this */
    DataOriginals *originals;
    DataPicks picks; /* ranges: its own copy */
} Picked;

static void picked_free(DataReader *reader)
{
    Picked *p = (Picked *)reader;
    data_originals_drop(p->originals);
    base_free(p->picks.ranges);
    base_free(p);
}

static BaseStatus picked_read(DataReader *reader, int64_t i, void *out)
{
    const Picked *p = (Picked *)reader;
    bool test;
    const int64_t at = data_picks_at(&p->picks, i, &test);
    return data_fetch(p->originals->set[test ? DATA_TEST : DATA_TRAIN], &at, 1, out);
}

/* What the images are: the sets they come from, and their places there, however the lines of the file name them. */
static BaseStatus hash_picks(const DataPicks *picks, const DataSet *const *sets, char hex[BASE_HASH_HEX])
{
    BaseHash *hash = NULL;
    int last = DATA_SPLITS;
    BaseStatus st = base_hash_create(&hash);
    if (st != BASE_OK) return st;
    for (const DataRange *r = picks->ranges; r < picks->ranges + picks->range_count; r++) {
        const int split = r->test ? DATA_TEST : DATA_TRAIN;
        if (split != last) base_hash_add_text(hash, sets[split]->hash);
        last = split;
        for (int64_t at = r->first; at <= r->last; at++) base_hash_add(hash, &at, sizeof at);
    }
    base_hash_finish(hash, hex);
    base_hash_free(hash);
    return BASE_OK;
}

BaseStatus data_picked_read(const DataPicks *picks, const DataSet *const *sets, DataOriginals *originals, DataSet *out)
{
    BaseStatus st = BASE_OK;
    Picked *p = NULL;
    BASE_TRY(hash_picks(picks, sets, out->content));
    BASE_TRY(BASE_ALLOC(1, &p));
    p->reader = (DataReader){picked_read, picked_free};
    p->picks = *picks;
    p->picks.file = NULL;
    p->picks.ranges = NULL;
    BASE_TRY(BASE_ALLOC_RAW(picks->range_count, &p->picks.ranges));
    memcpy(p->picks.ranges, picks->ranges, (size_t)picks->range_count * sizeof *picks->ranges);
    p->originals = originals;
    originals->holders++;
    out->reader = &p->reader;
    p = NULL;
out:
    if (p) picked_free(&p->reader);
    return st;
}

/* ------------------------------------------------------------ resized */

typedef struct {
    DataReader reader; /* first: a set knows it by this */
    DataSet *from;
    DataPrep prep;
} Resized;

static void resized_free(DataReader *reader)
{
    Resized *r = (Resized *)reader;
    data_set_free(r->from);
    base_free(r);
}

static BaseStatus resized_read(DataReader *reader, int64_t i, void *out)
{
    BaseStatus st = BASE_OK;
    const Resized *r = (Resized *)reader;
    const DataSet *s = r->from;
    const size_t W = (size_t)s->W, plane = (size_t)s->H * W;
    uint8_t *room = NULL;
    BASE_TRY(base_alloc_raw(1, data_image_bytes(s), (void **)&room));
    BASE_TRY(data_fetch(s, &i, 1, room));
    BASE_TRY(data_resize(&(DataPixels){room, s->C, s->H, s->W, plane, W, 1}, &r->prep, out));
out:
    base_free(room);
    return st;
}

BaseStatus data_resized_read(DataSet *from, const char *prep, DataSet *out)
{
    BaseStatus st = BASE_OK;
    Resized *r = NULL;
    BaseHash *hash = NULL;
    BASE_TRY(base_hash_create(&hash));
    base_hash_add_text(hash, prep);
    base_hash_add_text(hash, from->content);
    base_hash_finish(hash, out->content);
    BASE_TRY(BASE_ALLOC(1, &r));
    *r = (Resized){{resized_read, resized_free}, from, out->prep};
    out->reader = &r->reader;
out:
    base_hash_free(hash);
    return st;
}
