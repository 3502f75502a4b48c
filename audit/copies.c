/* audit/copies.c - a perceptual hash proposes pairs, miniatures decide, and pairs are joined to clusters. */
#include "audit/copies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { GRID = 8, SIDE = 16, MOST_BITS = 3, ALL_PAIRS = 50000 };
static const double ALIKE = 0.998;

typedef struct {
    uint64_t hash;
    int32_t point;
} Hashed;

typedef struct {
    const SessionData *data;
    const AuditSignals *s;
    Hashed *item;     /* [n] */
    float *miniature; /* [n, SIDE * SIDE], mean 0, length 1 (flat images: 0) */
    int32_t *parent;  /* [n] union-find */
    bool pictures;
} Work;

static double pixel(const DataSet *set, int64_t at)
{
    return set->type == DATA_U8 ? ((const uint8_t *)set->images)[at] : (double)((const float *)set->images)[at];
}

/* Grey means of a rows x columns grid over image @p i. */
static void shrink(const DataSet *set, int64_t i, int rows, int columns, double *out)
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
                    for (int64_t x = left; x < right; x++) sum += pixel(set, (i * set->C + c) * plane + y * set->W + x);
            out[r * columns + k] = sum / (double)((bottom - top) * (right - left) * set->C);
        }
}

static uint64_t difference_hash(const DataSet *set, int64_t i)
{
    double grey[GRID * (GRID + 1)];
    uint64_t hash = 0;
    shrink(set, i, GRID, GRID + 1, grey);
    for (int r = 0; r < GRID; r++)
        for (int k = 0; k < GRID; k++) hash = hash << 1 | (grey[r * (GRID + 1) + k] < grey[r * (GRID + 1) + k + 1]);
    return hash;
}

static void make_miniature(const DataSet *set, int64_t i, float *out)
{
    double grey[SIDE * SIDE], mean = 0, square = 0;
    shrink(set, i, SIDE, SIDE, grey);
    for (int k = 0; k < SIDE * SIDE; k++) mean += grey[k] / (SIDE * SIDE);
    for (int k = 0; k < SIDE * SIDE; k++) square += (grey[k] - mean) * (grey[k] - mean);
    for (int k = 0; k < SIDE * SIDE; k++) out[k] = square > 0 ? (float)((grey[k] - mean) / sqrt(square)) : 0;
}

/* FNV-1a over the pixels: exact copies of what is no picture. */
static uint64_t exact_hash(const DataSet *set, int64_t i)
{
    size_t size = (size_t)(set->C * set->H * set->W) * (set->type == DATA_U8 ? 1 : sizeof(float));
    const unsigned char *bytes = (const unsigned char *)set->images + (size_t)i * size;
    uint64_t hash = 14695981039346656037u;
    for (size_t k = 0; k < size; k++) hash = (hash ^ bytes[k]) * 1099511628211u;
    return hash;
}

static int32_t root_of(int32_t *parent, int32_t i)
{
    for (; parent[i] != i; i = parent[i]) parent[i] = parent[parent[i]];
    return i;
}

static bool are_alike(const Work *w, int32_t a, int32_t b)
{
    const ModelPoint *p = w->s->point;
    const DataSet *x = p[a].test ? w->data->test : w->data->train, *y = p[b].test ? w->data->test : w->data->train;
    size_t size = (size_t)(x->C * x->H * x->W) * (x->type == DATA_U8 ? 1 : sizeof(float));
    const char *left = (const char *)x->images + (size_t)p[a].at * size;
    if (memcmp(left, (const char *)y->images + (size_t)p[b].at * size, size) == 0) return true;
    if (!w->pictures) return false;
    double sum = 0;
    for (int k = 0; k < SIDE * SIDE; k++)
        sum += (double)w->miniature[a * SIDE * SIDE + k] * (double)w->miniature[b * SIDE * SIDE + k];
    return sum >= ALIKE;
}

static void join(const Work *w, int32_t a, int32_t b)
{
    int32_t x = root_of(w->parent, a), y = root_of(w->parent, b);
    if (x == y || !are_alike(w, a, b)) return;
    w->parent[x > y ? x : y] = x > y ? y : x;
}

static int by_hash(const void *a, const void *b)
{
    const Hashed *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

static void join_all(const Work *w)
{
    int64_t n = w->s->N;
    bool all = w->pictures && n <= ALL_PAIRS;
    qsort(w->item, (size_t)n, sizeof *w->item, by_hash);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = i + 1; k < n; k++) {
            uint64_t differ = w->item[i].hash ^ w->item[k].hash;
            if (differ && !all) break; /* sorted: the equal ones are neighbours */
            if (__builtin_popcountll(differ) <= MOST_BITS) join(w, w->item[i].point, w->item[k].point);
        }
}

BaseStatus audit_find_copies(const SessionData *data, AuditSignals *s)
{
    BaseStatus st = BASE_OK;
    Work w = {.data = data, .s = s, .pictures = data->train->H >= GRID && data->train->W >= GRID};
    bool any = false;
    BASE_TRY(BASE_ALLOC(s->N, &w.item));
    BASE_TRY(BASE_ALLOC(s->N, &w.parent));
    if (w.pictures) BASE_TRY(BASE_ALLOC(s->N * SIDE * SIDE, &w.miniature));
    for (int64_t i = 0; i < s->N; i++) {
        const DataSet *set = s->point[i].test ? data->test : data->train;
        w.item[i] =
            (Hashed){w.pictures ? difference_hash(set, s->point[i].at) : exact_hash(set, s->point[i].at), (int32_t)i};
        if (w.pictures) make_miniature(set, s->point[i].at, w.miniature + i * SIDE * SIDE);
        w.parent[i] = (int32_t)i;
    }
    join_all(&w);
    for (int64_t i = 0; i < s->N; i++) {
        w.parent[i] = root_of(w.parent, (int32_t)i);
        any = any || w.parent[i] != i;
    }
    if (any) {
        s->cluster = w.parent;
        w.parent = NULL;
    }
out:
    base_free(w.item);
    base_free(w.miniature);
    base_free(w.parent);
    return st;
}

typedef struct {
    int32_t cluster;
    uint8_t held_out;
} Grouped;

static int by_cluster(const void *a, const void *b)
{
    const Grouped *x = a, *y = b;
    if (x->cluster != y->cluster) return x->cluster < y->cluster ? -1 : 1;
    return (x->held_out > y->held_out) - (x->held_out < y->held_out);
}

BaseStatus audit_count_copies(const AuditSignals *s, AuditCopies *out)
{
    BaseStatus st = BASE_OK;
    Grouped *all = NULL;
    *out = (AuditCopies){0};
    if (!s->cluster) return BASE_OK;
    BASE_TRY(BASE_ALLOC(s->N, &all));
    for (int64_t i = 0; i < s->N; i++)
        all[i] = (Grouped){s->cluster[i], s->group[i] != AUDIT_FORGET_TRAIN && s->group[i] != AUDIT_RETAIN_TRAIN};
    qsort(all, (size_t)s->N, sizeof *all, by_cluster);
    for (int64_t i = 1, first = 0; i < s->N; i++) {
        if (all[i].cluster != all[i - 1].cluster) {
            first = i;
            continue;
        }
        out->copies++;
        out->across += all[i].held_out && !all[first].held_out;
    }
out:
    base_free(all);
    return st;
}
