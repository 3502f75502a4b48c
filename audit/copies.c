/* audit/copies.c - a perceptual hash proposes pairs, miniatures decide, and pairs are joined to clusters. */
#include "audit/copies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/whole.h"
#include "base/hash.h"
#include "base/memory.h"
#include "math/groups.h"

enum { GRID = 8, SIDE = 16, MOST_BITS = 3, ALL_PAIRS = 50000 };
static const double ALIKE = 0.998;

typedef struct {
    uint64_t hash;
    int32_t point;
} Hashed;

typedef struct {
    const SessionData *data;
    const AuditSignals *s;
    Hashed *item;      /* [n] */
    float *miniature;  /* [n, SIDE * SIDE], mean 0, length 1 (flat images: 0) */
    uint64_t *content; /* [n] hash of the pixels: only where two agree are the pixels themselves compared */
    int32_t *parent;   /* [n] union-find */
    void *room[2];     /* an image each */
    bool pictures;
} Work;

static double pixel(DataType type, const void *pixels, int64_t at)
{
    return type == DATA_U8 ? ((const uint8_t *)pixels)[at] : (double)((const float *)pixels)[at];
}

/* Grey means of a rows x columns grid over an image of @p set. */
static void shrink(const DataSet *set, const void *pixels, int rows, int columns, double *out)
{
    int64_t plane = set->H * set->W;
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < columns; k++) {
            int64_t top = r * set->H / rows, bottom = (r + 1) * set->H / rows;
            int64_t left = k * set->W / columns, right = (k + 1) * set->W / columns;
            double sum = 0;
            if (bottom == top) bottom++;
            if (right == left) right++;
            for (int64_t c = 0; c < set->C; c++)
                for (int64_t y = top; y < bottom; y++)
                    for (int64_t x = left; x < right; x++) sum += pixel(set->type, pixels, c * plane + y * set->W + x);
            out[r * columns + k] = sum / (double)((bottom - top) * (right - left) * set->C);
        }
}

static uint64_t difference_hash(const DataSet *set, const void *pixels)
{
    double grey[GRID * (GRID + 1)];
    uint64_t hash = 0;
    shrink(set, pixels, GRID, GRID + 1, grey);
    for (int r = 0; r < GRID; r++)
        for (int k = 0; k < GRID; k++) hash = hash << 1 | (grey[r * (GRID + 1) + k] < grey[r * (GRID + 1) + k + 1]);
    return hash;
}

static void make_miniature(const DataSet *set, const void *pixels, float *out)
{
    double grey[SIDE * SIDE], mean = 0, square = 0;
    shrink(set, pixels, SIDE, SIDE, grey);
    for (int k = 0; k < SIDE * SIDE; k++) mean += grey[k] / (SIDE * SIDE);
    for (int k = 0; k < SIDE * SIDE; k++) square += (grey[k] - mean) * (grey[k] - mean);
    for (int k = 0; k < SIDE * SIDE; k++) out[k] = square > 0 ? (float)((grey[k] - mean) / sqrt(square)) : 0;
}

static const DataSet *set_of(const Work *w, int64_t i) { return w->s->point[i].test ? w->data->test : w->data->train; }

/* The pixels of audited point @p i. */
static BaseStatus pixels_of(const Work *w, int64_t i, void *room, const void **out)
{
    return data_look(set_of(w, i), w->s->point[i].at, room, out);
}

static BaseStatus are_equal(const Work *w, int32_t a, int32_t b, bool *equal)
{
    BaseStatus st = BASE_OK;
    const void *left, *right;
    *equal = w->content[a] == w->content[b] && set_of(w, a)->type == set_of(w, b)->type;
    if (!*equal) return BASE_OK;
    BASE_TRY(pixels_of(w, a, w->room[0], &left));
    BASE_TRY(pixels_of(w, b, w->room[1], &right));
    *equal = memcmp(left, right, data_image_bytes(set_of(w, a))) == 0;
out:
    return st;
}

static int32_t root_of(int32_t *parent, int32_t i)
{
    for (; parent[i] != i; i = parent[i]) parent[i] = parent[parent[i]];
    return i;
}

static bool are_alike(const Work *w, int32_t a, int32_t b)
{
    double sum = 0;
    for (int k = 0; k < SIDE * SIDE; k++)
        sum += (double)w->miniature[a * SIDE * SIDE + k] * (double)w->miniature[b * SIDE * SIDE + k];
    return sum >= ALIKE;
}

static BaseStatus join(const Work *w, int32_t a, int32_t b)
{
    int32_t x = root_of(w->parent, a), y = root_of(w->parent, b);
    bool alike;
    if (x == y) return BASE_OK;
    BaseStatus st = are_equal(w, a, b, &alike);
    if (st == BASE_OK && (alike || (w->pictures && are_alike(w, a, b)))) w->parent[x > y ? x : y] = x > y ? y : x;
    return st;
}

static int by_hash(const void *a, const void *b)
{
    const Hashed *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

static BaseStatus join_all(const Work *w)
{
    BaseStatus st = BASE_OK;
    int64_t n = w->s->N;
    bool all = w->pictures && n <= ALL_PAIRS;
    qsort(w->item, (size_t)n, sizeof *w->item, by_hash);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = i + 1; k < n; k++) {
            uint64_t differ = w->item[i].hash ^ w->item[k].hash;
            if (differ && !all) break; /* sorted: the equal ones are neighbours */
            if (__builtin_popcountll(differ) <= MOST_BITS) BASE_TRY(join(w, w->item[i].point, w->item[k].point));
        }
out:
    return st;
}

BaseStatus audit_find_copies(const SessionData *data, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    Work w = {.data = data, .s = s, .pictures = data->train->H >= GRID && data->train->W >= GRID};
    bool any = false;
    uint64_t *id = NULL;
    BASE_TRY(BASE_ALLOC(s->N, &w.item));
    BASE_TRY(BASE_ALLOC(s->N, &w.parent));
    BASE_TRY(BASE_ALLOC(s->N, &id));
    BASE_TRY(BASE_ALLOC(s->N, &w.content));
    if (w.pictures) BASE_TRY(BASE_ALLOC(s->N * SIDE * SIDE, &w.miniature));
    size_t train = data_image_bytes(data->train), test = data_image_bytes(data->test),
           most = train > test ? train : test;
    for (int r = 0; r < 2; r++) BASE_TRY(base_alloc_raw(1, most, &w.room[r]));
    for (int64_t i = 0; i < s->N; i++) {
        const DataSet *set = set_of(&w, i);
        const void *pixels;
        BASE_TRY(pixels_of(&w, i, w.room[0], &pixels));
        w.content[i] = base_hash_fnv1a_bytes(pixels, data_image_bytes(set));
        w.item[i] = (Hashed){w.pictures ? difference_hash(set, pixels) : w.content[i], (int32_t)i};
        if (w.pictures) make_miniature(set, pixels, w.miniature + i * SIDE * SIDE);
        w.parent[i] = (int32_t)i;
    }
    BASE_TRY(join_all(&w));
    for (int64_t i = 0; i < s->N; i++) {
        w.parent[i] = root_of(w.parent, (int32_t)i);
        any = any || w.parent[i] != i;
    }
    if (any) { /* numbered as they will be when they are read again */
        for (int64_t i = 0; i < s->N; i++) id[i] = (uint64_t)w.parent[i];
        BASE_TRY(audit_whole_number(id, s->N, w.parent));
        s->cluster = w.parent;
        w.parent = NULL;
    }
out:
    base_free(id);
    base_free(w.item);
    base_free(w.content);
    base_free(w.room[0]);
    base_free(w.room[1]);
    base_free(w.miniature);
    base_free(w.parent);
    return st;
}

BaseStatus audit_count_copies(const AuditSignals *s, AuditCopies *out)
{
    BaseStatus st = BASE_OK;
    MathGroups clusters = {0};
    *out = (AuditCopies){0};
    if (!s->cluster) return BASE_OK;
    BASE_TRY(math_groups_make(s->cluster, s->N, true, &clusters));
    for (int64_t c = 0; c < clusters.count; c++) {
        int64_t n = clusters.start[c + 1] - clusters.start[c], trained = 0;
        for (int64_t k = clusters.start[c]; k < clusters.start[c + 1]; k++) {
            uint8_t group = s->group[clusters.point[k]];
            trained += group == AUDIT_FORGET_TRAIN || group == AUDIT_RETAIN_TRAIN;
        }
        out->copies += n - 1;
        out->across += trained > 0 ? n - trained : 0;
    }
out:
    math_groups_free(&clusters);
    return st;
}
