/* data/set/build.c - sizes are held to limits before memory is taken, labels and statistics before a set goes out. */
#include "data/set/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "data/prepare/parallel.h"

enum { SIDE_MAX = 1 << 16 };
static const double STD_MIN = 1e-3; /* 1/255 undoes the scaling; less is a slip */

static size_t pixel_size(DataType type) { return type == DATA_U8 ? 1 : sizeof(float); }

static BaseStatus check_room(const char *name, int64_t N, int64_t C, int64_t H, int64_t W, size_t size)
{
    double need = (double)N * (double)C * (double)H * (double)W * (double)size, has = (double)base_memory_limit();
    if (need <= has) return BASE_OK;
    return base_error_set(BASE_ELIMIT,
                          "%s: %lld images of %lld x %lld x %lld take %.1f GB, and %.1f GB of memory are available to "
                          "this process; choose a smaller crop, or name a part of the images in an index file",
                          name, (long long)N, (long long)C, (long long)H, (long long)W, need / 1e9, has / 1e9);
}

BaseStatus data_set_room(const char *name, int64_t N, int64_t C, int64_t H, int64_t W)
{
    return check_room(name, N, C, H, W, 1);
}

static BaseStatus create(const char *name, DataType type, int64_t N, int64_t C, int64_t H, int64_t W, int64_t K,
                         bool in_memory, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    *out = NULL;
    BASE_CHECK(N > 0, BASE_EFORMAT, "%s: has no images", name);
    BASE_CHECK(
        C > 0 && C <= DATA_CHANNELS_MAX && H > 0 && H <= SIDE_MAX && W > 0 && W <= SIDE_MAX, BASE_EFORMAT,
        "%s: images of %lld x %lld x %lld (channels, height, width); 1 to %d channels and sides of 1 to %d can be read",
        name, (long long)C, (long long)H, (long long)W, DATA_CHANNELS_MAX, SIDE_MAX);
    BASE_CHECK(K > 0 && K <= DATA_CLASSES_MAX, BASE_EFORMAT, "%s: %lld classes; 1 to %d can be read", name,
               (long long)K, DATA_CLASSES_MAX);
    if (in_memory) BASE_TRY(check_room(name, N, C, H, W, pixel_size(type)));
    BASE_TRY(BASE_ALLOC(1, &set));
    set->N = N, set->C = C, set->H = H, set->W = W, set->K = K, set->type = type;
    BASE_TRY(base_strdup(name, &set->name));
    if (in_memory) BASE_TRY(base_alloc_raw((size_t)N, data_image_bytes(set), &set->images));
    BASE_TRY(BASE_ALLOC_RAW(N, &set->labels));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

BaseStatus data_set_create(const char *name, DataType type, int64_t N, int64_t C, int64_t H, int64_t W, int64_t K,
                           DataSet **out)
{
    return create(name, type, N, C, H, W, K, true, out);
}

BaseStatus data_set_create_read(const char *name, int64_t N, int64_t C, int64_t H, int64_t W, int64_t K, DataSet **out)
{
    return create(name, DATA_U8, N, C, H, W, K, false, out);
}

size_t data_image_bytes(const DataSet *set) { return (size_t)(set->C * set->H * set->W) * pixel_size(set->type); }

BaseStatus data_look(const DataSet *set, int64_t i, void *room, const void **pixels)
{
    if (i < 0 || i >= set->N)
        return base_error_set(BASE_EARG, "%s: image %lld; there are images 0 to %lld", set->name, (long long)i,
                              (long long)set->N - 1);
    *pixels = set->reader ? room : (const char *)set->images + (size_t)i * data_image_bytes(set);
    return set->reader ? set->reader->read(set->reader, i, room) : BASE_OK;
}

typedef struct {
    const DataSet *set;
    const int64_t *index;
    char *out;
} Fetch;

static BaseStatus fetch_one(void *user, int64_t i)
{
    const Fetch *f = user;
    char *at = f->out + (size_t)i * data_image_bytes(f->set);
    const void *pixels = NULL;
    BaseStatus st = data_look(f->set, f->index ? f->index[i] : i, at, &pixels);
    if (st == BASE_OK && pixels != at) memcpy(at, pixels, data_image_bytes(f->set));
    return st;
}

BaseStatus data_fetch(const DataSet *set, const int64_t *index, int64_t n, void *out)
{
    BaseStatus st = BASE_OK;
    Fetch f = {set, index, out};
    if (set->reader && n > 1) return data_parallel(n, fetch_one, &f, NULL);
    for (int64_t i = 0; st == BASE_OK && i < n; i++) st = fetch_one(&f, i);
    return st;
}

void data_set_forget_classes(DataSet *set)
{
    for (int64_t k = 0; set->class_names && k < set->K; k++) base_free(set->class_names[k]);
    for (int64_t k = 0; set->source_names && k < set->K; k++) base_free(set->source_names[k]);
    base_free(set->class_names);
    base_free(set->source_names);
    set->class_names = set->source_names = NULL;
}

void data_set_free(DataSet *set)
{
    if (!set) return;
    data_set_forget_classes(set);
    base_free(set->name);
    if (set->reader && !set->lent) set->reader->free(set->reader);
    if (!set->lent) base_free(set->images);
    base_free(set->labels);
    base_free(set);
}

BaseStatus data_set_name_classes(DataSet *set, const char *const *names)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(set->K, &set->class_names));
    for (int64_t k = 0; k < set->K; k++)
        if (names)
            BASE_TRY(base_strdup(names[k], &set->class_names[k]));
        else
            BASE_TRY(base_format(&set->class_names[k], "%lld", (long long)k));
out:
    return st;
}

BaseStatus data_set_name_sources(DataSet *set, const char *const *names)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(set->K, &set->source_names));
    for (int64_t k = 0; k < set->K; k++) BASE_TRY(base_strdup(names[k], &set->source_names[k]));
out:
    return st;
}

BaseStatus data_set_share(const DataSet *set, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *copy = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &copy));
    *copy = *set;
    copy->lent = true;
    copy->name = NULL, copy->labels = NULL, copy->class_names = copy->source_names = NULL;
    BASE_TRY(base_strdup(set->name, &copy->name));
    BASE_TRY(BASE_ALLOC_RAW(set->N, &copy->labels));
    memcpy(copy->labels, set->labels, (size_t)set->N * sizeof *copy->labels);
    BASE_TRY(data_set_name_classes(copy, (const char *const *)set->class_names));
    if (set->source_names) BASE_TRY(data_set_name_sources(copy, (const char *const *)set->source_names));
    *out = copy;
    copy = NULL;
out:
    data_set_free(copy);
    return st;
}

BaseStatus data_set_widen(DataSet *set, int64_t K)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(set->classes_counted && K >= set->K && K <= DATA_CLASSES_MAX, BASE_EARG,
               "%s: %lld classes cannot be turned into %lld", set->name, (long long)set->K, (long long)K);
    BASE_TRY(BASE_GROW(&set->class_names, set->K, K));
    for (; set->K < K; set->K++) BASE_TRY(base_format(&set->class_names[set->K], "%lld", (long long)set->K));
out:
    return st;
}

BaseStatus data_statistic_check(BaseStatus code, const char *what, bool std, double value)
{
    double low = std ? STD_MIN : 0;
    if (value >= low && value <= 1) return BASE_OK;
    if (value > 1 && value <= 255)
        return base_error_set(code, "%s: %g is not from %g to 1; pixels are scaled to 0..1 first: divide by 255 (%.4g)",
                              what, value, low, value / 255);
    return base_error_set(code, "%s: %g must be from %g to 1, for pixels scaled to 0..1", what, value, low);
}

BaseStatus data_statistic_expand(BaseStatus code, const char *what, const float *values, size_t count, int64_t C,
                                 float *out)
{
    if (count != 1 && count != (size_t)C)
        return base_error_set(code, "%s holds %zu numbers for images of %lld channels; give one, or one per channel",
                              what, count, (long long)C);
    for (int64_t c = 0; c < C; c++) out[c] = values[count == 1 ? 0 : c];
    return BASE_OK;
}

void data_set_normalise(DataSet *set, const float *mean, const float *std)
{
    set->normalise = true;
    memcpy(set->mean, mean, (size_t)set->C * sizeof *mean);
    memcpy(set->std, std, (size_t)set->C * sizeof *std);
}

static void hash_begin(const DataSet *set, BaseHash *hash)
{
    char shape[160];
    snprintf(shape, sizeof shape, "%lld %lld %lld %lld %lld %s %s", (long long)set->N, (long long)set->C,
             (long long)set->H, (long long)set->W, (long long)set->K, set->type == DATA_U8 ? "u8" : "f32",
             set->normalise ? "normalised" : "as is");
    base_hash_add_text(hash, shape);
}

static void hash_end(const DataSet *set, BaseHash *hash, char hex[BASE_HASH_HEX])
{
    base_hash_add(hash, set->labels, (size_t)set->N * sizeof *set->labels);
    base_hash_add(hash, set->mean, sizeof set->mean);
    base_hash_add(hash, set->std, sizeof set->std);
    base_hash_finish(hash, hex);
}

BaseStatus data_set_hash_pixels(const DataSet *set, char hex[BASE_HASH_HEX])
{
    enum { PART = 256 };
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    void *room = NULL;
    int64_t index[PART], most = base_smaller(set->N, PART);
    BASE_TRY(base_hash_create(&hash));
    BASE_TRY(base_alloc_raw((size_t)most, data_image_bytes(set), &room));
    hash_begin(set, hash);
    for (int64_t done = 0, n; done < set->N; done += n) {
        n = base_smaller(set->N - done, most);
        for (int64_t i = 0; i < n; i++) index[i] = done + i;
        BASE_TRY(data_fetch(set, index, n, room));
        base_hash_add(hash, room, (size_t)n * data_image_bytes(set));
    }
    hash_end(set, hash, hex);
out:
    base_free(room);
    base_hash_free(hash);
    return st;
}

BaseStatus data_set_finish(DataSet *set, const char *images, const char *labels)
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    int64_t size = set->C * set->H * set->W;
    for (int64_t i = 0; i < set->N; i++)
        BASE_CHECK(set->labels[i] >= 0 && set->labels[i] < set->K, BASE_EFORMAT,
                   "%s: label %lld is %d; %lld classes have labels 0 to %lld", labels, (long long)i, set->labels[i],
                   (long long)set->K, (long long)set->K - 1);
    if (set->type == DATA_F32) {
        const float *pixel = set->images;
        for (int64_t i = 0; i < set->N * size; i++)
            BASE_CHECK(isfinite(pixel[i]), BASE_EFORMAT, "%s: image %lld holds %f; every pixel must be a finite number",
                       images, (long long)(i / size), (double)pixel[i]);
    }
    BASE_TRY(base_hash_create(&hash));
    hash_begin(set, hash);
    if (set->reader)
        base_hash_add_text(hash, set->content);
    else
        base_hash_add(hash, set->images, (size_t)set->N * data_image_bytes(set));
    hash_end(set, hash, set->hash);
out:
    base_hash_free(hash);
    return st;
}
