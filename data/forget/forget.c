/* data/forget/forget.c - classes, lists and draws become one form, of which everything else is asked. */
#include "data/forget/forget.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

void data_forget_free(DataForget *forget)
{
    data_classes_free(&forget->classes);
    data_index_free(&forget->images);
}

/* ------------------------------------------------------------ making one */

BaseStatus data_forget_wish_check(const DataForgetWish *wish, bool *any)
{
    *any = wish->classes || wish->index || wish->images;
    return wish->classes && wish->index
               ? base_error_set(BASE_EUSAGE, "--forget and --forget-index exclude each other: a class list names all "
                                             "images of its classes, an index file names images")
               : BASE_OK;
}

BaseStatus data_forget_classes(const DataSet *train, const char *text, DataForget *out)
{
    *out = (DataForget){0};
    return data_classes_parse(train, text, &out->classes);
}

BaseStatus data_forget_images_take(const DataSet *train, DataIndex *images, DataForget *out)
{
    BaseStatus st = BASE_OK;
    DataForget f = {.images = *images};
    *images = (DataIndex){0};
    *out = (DataForget){0};
    BASE_CHECK(f.images.n > 0, BASE_EUSAGE, "%s: no image is to be forgotten", train->name);
    BASE_CHECK(f.images.n < train->N, BASE_EUSAGE, "%s: all %lld images are to be forgotten; some must be kept",
               train->name, (long long)train->N);
    qsort(f.images.at, (size_t)f.images.n, sizeof *f.images.at, base_ascending_i64);
    f.classes.K = train->K;
    BASE_TRY(BASE_ALLOC(train->K, &f.classes.in));
    for (int64_t i = 0; i < f.images.n; i++) {
        int64_t at = f.images.at[i];
        BASE_CHECK(at >= 0 && at < train->N, BASE_EUSAGE, "%s has no image %lld; there are 0 to %lld", train->name,
                   (long long)at, (long long)train->N - 1);
        BASE_CHECK(i == 0 || f.images.at[i - 1] != at, BASE_EUSAGE, "%s: image %lld is to be forgotten twice",
                   train->name, (long long)at);
        f.classes.count += !f.classes.in[train->labels[at]];
        f.classes.in[train->labels[at]] = 1;
    }
    *out = f;
    f = (DataForget){0};
out:
    data_forget_free(&f);
    return st;
}

/* An image of the source, and its position in the set that was made of it. */
typedef struct {
    int64_t at, place;
    bool test;
} Sourced;

static int by_source(const void *a, const void *b)
{
    const Sourced *x = a, *y = b;
    if (x->test != y->test) return x->test ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Where the images of @p train are in the source, in its order; *out [train->N] owned. */
static BaseStatus find_sources(const DataSet *train, const DataPicks *picks, Sourced **out)
{
    BaseStatus st = BASE_ALLOC(train->N, out);
    for (int64_t i = 0; st == BASE_OK && i < train->N; i++) {
        Sourced *s = &(*out)[i];
        *s = (Sourced){i, i, false};
        if (picks->file) s->at = data_picks_at(picks, i, &s->test);
    }
    if (st == BASE_OK) qsort(*out, (size_t)train->N, sizeof **out, by_source);
    return st;
}

static BaseStatus read_index(const DataSet *train, const char *file, const DataOptions *options, DataIndex *out)
{
    BaseStatus st = BASE_OK;
    const DataOptions list = {.train_index = file};
    DataRequest of_set = {0}, named = {0};
    Sourced *sources = NULL;
    BASE_TRY(data_request_read(options, &of_set));
    BASE_TRY(data_request_read(&list, &named));
    BASE_CHECK(!of_set.skip_broken, BASE_EUSAGE,
               "%s names images by position, and --broken skip shifts the positions: leave the broken images out with "
               "--train-index",
               file);
    BASE_TRY(find_sources(train, &of_set.picks[DATA_TRAIN], &sources));
    const DataPicks *picks = &named.picks[DATA_TRAIN];
    BASE_CHECK(picks->count <= train->N, BASE_EUSAGE, "%s names %lld images; %s has %lld", file,
               (long long)picks->count, train->name, (long long)train->N);
    BASE_TRY(BASE_ALLOC_RAW(picks->count, &out->at));
    for (; out->n < picks->count; out->n++) {
        Sourced want = {0};
        want.at = data_picks_at(picks, out->n, &want.test);
        const Sourced *found = bsearch(&want, sources, (size_t)train->N, sizeof *sources, by_source);
        BASE_CHECK(found, BASE_EUSAGE, "%s: image %lld of the %s split is not among the %lld images of %s", file,
                   (long long)want.at, want.test ? "test" : "train", (long long)train->N, train->name);
        out->at[out->n] = found->place;
    }
out:
    base_free(sources);
    data_request_free(&of_set);
    data_request_free(&named);
    return st;
}

BaseStatus data_forget_open(const DataSet *train, const DataForgetWish *wish, const DataOptions *options,
                            DataForget *out)
{
    BaseStatus st = BASE_OK;
    DataIndex images = {0};
    bool any;
    *out = (DataForget){0};
    BASE_TRY(data_forget_wish_check(wish, &any));
    BASE_CHECK(any, BASE_EUSAGE, "nothing is to be forgotten: --forget names classes, --forget-index a file of images");
    if (wish->images) {
        BASE_TRY(BASE_ALLOC_RAW(wish->count, &images.at));
        images.n = wish->count;
        if (images.n > 0) memcpy(images.at, wish->images, (size_t)images.n * sizeof *images.at);
        st = data_forget_images_take(train, &images, out);
        goto out;
    }
    if (!wish->index) return data_forget_classes(train, wish->classes, out);
    BASE_TRY(read_index(train, wish->index, options, &images));
    BASE_TRY(base_error_prefix(data_forget_images_take(train, &images, out), "%s", wish->index));
out:
    data_index_free(&images);
    return st;
}

/* Drops from an index what is of other classes. */
static void keep_classes(const DataSet *train, const DataClasses *classes, DataIndex *index)
{
    int64_t n = 0;
    for (int64_t i = 0; i < index->n; i++)
        if (classes->in[train->labels[index->at[i]]]) index->at[n++] = index->at[i];
    index->n = n;
}

BaseStatus data_forget_draw(const DataSet *train, const char *classes, double share, uint64_t seed, DataForget *out)
{
    BaseStatus st = BASE_OK;
    DataClasses of = {0};
    DataIndex kept = {0}, drawn = {0};
    const DataView all = data_view_all(train);
    BaseRandom random = base_random_make(seed, "forget_images", 0); /* not the stream of a validation part */
    *out = (DataForget){0};
    if (classes) BASE_TRY(data_classes_parse(train, classes, &of));
    BASE_TRY(data_split(&all, share, base_random_u64(&random), &kept, &drawn));
    if (classes) keep_classes(train, &of, &drawn);
    BASE_CHECK(drawn.n > 0, BASE_EUSAGE, "a share of %g%s%s is no image of %s", share, classes ? " of " : "",
               classes ? classes : "", train->name);
    BASE_TRY(data_forget_images_take(train, &drawn, out));
out:
    data_classes_free(&of);
    data_index_free(&kept);
    data_index_free(&drawn);
    return st;
}

/* ------------------------------------------------------------ what it means */

bool data_forget_by_image(const DataForget *f) { return f->images.at != NULL; }

bool data_forget_holds(const DataForget *f, int32_t label, int64_t at)
{
    if (!f->images.at) return f->classes.in[label] != 0;
    return at >= 0 && f->classes.in[label] &&
           bsearch(&at, f->images.at, (size_t)f->images.n, sizeof at, base_ascending_i64);
}

bool data_forget_same(const DataForget *a, const DataForget *b)
{
    if (data_forget_by_image(a) != data_forget_by_image(b)) return false;
    if (data_forget_by_image(a))
        return a->images.n == b->images.n &&
               memcmp(a->images.at, b->images.at, (size_t)a->images.n * sizeof *a->images.at) == 0;
    return a->classes.K == b->classes.K && memcmp(a->classes.in, b->classes.in, (size_t)a->classes.K) == 0;
}

BaseStatus data_forget_partition(const DataView *view, const DataForget *f, DataIndex *inside, DataIndex *outside)
{
    BaseStatus st = BASE_OK;
    if (!data_forget_by_image(f)) return data_partition(view, &f->classes, inside, outside);
    *inside = *outside = (DataIndex){0};
    BASE_TRY(BASE_ALLOC_RAW(f->images.n, &inside->at)); /* a view has each image once */
    BASE_TRY(BASE_ALLOC_RAW(view->n, &outside->at));
    for (int64_t i = 0; i < view->n; i++) {
        int64_t at = data_view_at(view, i);
        DataIndex *to = data_forget_holds(f, view->set->labels[at], at) ? inside : outside;
        BASE_CHECK(to == outside || to->n < f->images.n, BASE_EARG, "a view holds an image twice");
        to->at[to->n++] = at;
    }
out:
    if (st != BASE_OK) {
        data_index_free(inside);
        data_index_free(outside);
    }
    return st;
}

BaseStatus data_forget_partition_unseen(const DataView *view, const DataForget *f, DataIndex *inside,
                                        DataIndex *outside)
{
    if (!data_forget_by_image(f)) return data_partition(view, &f->classes, inside, outside);
    *inside = *outside = (DataIndex){0};
    BaseStatus st = BASE_ALLOC_RAW(view->n, &outside->at);
    for (int64_t i = 0; st == BASE_OK && i < view->n; i++) outside->at[outside->n++] = data_view_at(view, i);
    return st;
}

void data_forget_text(const DataForget *f, BaseText *out)
{
    char hex[BASE_HASH_HEX];
    const char *comma = "";
    if (data_forget_by_image(f)) {
        base_hash_bytes(f->images.at, (size_t)f->images.n * sizeof *f->images.at, hex);
        base_text_add(out, "images-%lld-%.16s", (long long)f->images.n, hex);
        return;
    }
    for (int64_t c = 0; c < f->classes.K; c++) {
        if (!f->classes.in[c]) continue;
        base_text_add(out, "%s%lld", comma, (long long)c);
        comma = ",";
    }
}
