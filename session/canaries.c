/* session/canaries.c - canaries are drawn by one stream, and coins and wrong labels by one stream per position. */
#include "session/canaries.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

const char *const session_canary_kinds[] = {"image", "label", NULL};

void session_canaries_free(SessionCanaries *c)
{
    base_free(c->at);
    base_free(c->label);
    base_free(c->coin);
    *c = (SessionCanaries){0};
}

uint8_t session_canaries_coin(uint64_t seed, int64_t at)
{
    BaseRandom random = base_random_make(seed, "canary_coin", (uint64_t)at);
    return (uint8_t)(base_random_u64(&random) >> 63);
}

static BaseStatus room(int64_t n, SessionCanaries *c)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(n, &c->at));
    BASE_TRY(BASE_ALLOC(n, &c->label));
    BASE_TRY(BASE_ALLOC(n, &c->coin));
    c->n = n;
out:
    return st;
}

/* Labels that a canary may be trained with, ascending; *count of them. */
static BaseStatus allowed_labels(int64_t K, const DataClasses *classes, const DataClasses *exclude, int32_t **out,
                                 int64_t *count)
{
    BaseStatus st = BASE_OK;
    *count = 0;
    BASE_TRY(BASE_ALLOC(K, out));
    for (int64_t k = 0; k < K; k++) {
        bool asked = !classes || classes->in[k], excluded = exclude && exclude->in[k];
        BASE_CHECK(!classes || !asked || !excluded, BASE_EUSAGE,
                   "--canary-classes names class %lld, which --exclude leaves out of the training", (long long)k);
        if (asked && !excluded) (*out)[(*count)++] = (int32_t)k;
    }
out:
    return st;
}

/* The place of @p label in the list, or -1. */
static int64_t place_of(const int32_t *label, int64_t count, int32_t wanted)
{
    for (int64_t k = 0; k < count; k++)
        if (label[k] == wanted) return k;
    return -1;
}

/* One of the labels, but not that at @p own (-1: any). */
static int32_t wrong_label(const int32_t *label, int64_t count, int64_t own, uint64_t seed, int64_t at)
{
    BaseRandom random = base_random_make(seed, "canary_label", (uint64_t)at);
    int64_t k = (int64_t)base_random_below(&random, (uint64_t)(count - (own >= 0)));
    return label[own >= 0 && k >= own ? k + 1 : k];
}

BaseStatus session_canaries_draw(const SessionData *data, const DataView *from, int64_t n, SessionCanaryKind kind,
                                 const DataClasses *classes, const DataClasses *exclude, uint64_t seed,
                                 SessionCanaries *out)
{
    BaseStatus st = BASE_OK;
    SessionCanaries c = {.kind = kind, .seed = seed};
    int32_t *label = NULL;
    int64_t *pool = NULL, *chosen = NULL, labels, size = 0;
    *out = (SessionCanaries){0};
    BASE_TRY(allowed_labels(data->train->K, classes, exclude, &label, &labels));
    BASE_TRY(BASE_ALLOC_RAW(from->n, &pool));
    for (int64_t i = 0; i < from->n; i++) {
        int64_t own = place_of(label, labels, data_view_label(from, i));
        bool fits = kind == SESSION_CANARY_IMAGE ? own >= 0 : labels > (own >= 0);
        if (fits) pool[size++] = data_view_at(from, i);
    }
    BASE_CHECK(n >= 1 && n <= size, BASE_EUSAGE,
               "--canaries %lld: only %lld training images can be canaries of these classes and this kind",
               (long long)n, (long long)size);
    BASE_TRY(BASE_ALLOC_RAW(n, &chosen));
    BASE_TRY(room(n, &c));
    BaseRandom random = base_random_make(seed, "canaries", 0);
    base_random_choose(&random, size, n, chosen);
    memcpy(c.data, data->hash, sizeof c.data);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = c.at[i] = pool[chosen[i]];
        int32_t own = data->train->labels[at];
        c.label[i] =
            kind == SESSION_CANARY_IMAGE ? own : wrong_label(label, labels, place_of(label, labels, own), seed, at);
        c.in += c.coin[i] = session_canaries_coin(seed, at);
    }
    *out = c;
    c = (SessionCanaries){0};
out:
    session_canaries_free(&c);
    base_free(label);
    base_free(pool);
    base_free(chosen);
    return st;
}

BaseStatus session_canaries_apply(const SessionCanaries *c, SessionData *data)
{
    BaseStatus st = BASE_OK;
    const DataSet *set = data->train;
    bool same;
    if (c->n == 0) return BASE_OK;
    BASE_TRY(session_data_is(data, c->data, &same));
    BASE_CHECK(
        same, BASE_EARG,
        "%s: the canaries of the weights were drawn from other images (data %.12s, not %.12s): give the data and "
        "the options that the original was trained with",
        data->spec, c->data, data->hash);
    for (int64_t i = 0; i < c->n; i++)
        BASE_CHECK(c->at[i] < set->N && c->label[i] < set->K, BASE_EFORMAT,
                   "%s has no training image %lld, or no class %d, of which the canaries of the weights speak",
                   data->spec, (long long)c->at[i], c->label[i]);
    for (int64_t i = 0; i < c->n; i++) set->labels[c->at[i]] = c->label[i];
out:
    return st;
}

/* The canary at @p at, or -1. */
static int64_t find(const SessionCanaries *c, int64_t at)
{
    int64_t lo = 0, hi = c->n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (c->at[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < c->n && c->at[lo] == at ? lo : -1;
}

bool session_canaries_has(const SessionCanaries *c, int64_t at) { return find(c, at) >= 0; }

bool session_canaries_left_out(const SessionCanaries *c, int64_t at)
{
    int64_t i = find(c, at);
    return i >= 0 && !c->coin[i];
}

void session_canaries_leave_out(const SessionCanaries *c, DataIndex *index)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < index->n; i++)
        if (!session_canaries_left_out(c, index->at[i])) index->at[kept++] = index->at[i];
    index->n = kept;
}

BaseStatus session_canaries_write(const SessionCanaries *c, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    BaseText list = {0};
    if (c->n == 0) return BASE_OK;
    for (int64_t i = 0; i < c->n; i++)
        base_text_add(&list, "%s%lld:%d%c", i ? " " : "", (long long)c->at[i], c->label[i], c->coin[i] ? '+' : '-');
    BASE_TRY(list.st);
    BASE_TRY(io_tensors_set_meta(tensors, SESSION_META_CANARY_KIND, session_canary_kinds[c->kind]));
    BASE_TRY(io_tensors_set_meta(tensors, SESSION_META_CANARIES, list.data));
out:
    base_text_free(&list);
    return st;
}

/* "17:3+" at *text, which moves behind it and one blank. */
static bool read_one(const char **text, SessionCanaries *c)
{
    char *end;
    int64_t i = c->n, before = i ? c->at[i - 1] : -1;
    if (**text < '0' || **text > '9') return false;
    c->at[i] = strtoll(*text, &end, 10);
    if (c->at[i] <= before || c->at[i] >= INT64_MAX || end[0] != ':' || end[1] < '0' || end[1] > '9') return false;
    long long label = strtoll(end + 1, &end, 10);
    if (label >= DATA_CLASSES_MAX || (*end != '+' && *end != '-')) return false;
    c->label[i] = (int32_t)label;
    c->coin[i] = *end == '+';
    end++;
    if (*end == ' ' && end[1])
        end++;
    else if (*end)
        return false;
    c->in += c->coin[i];
    c->n++;
    *text = end;
    return true;
}

BaseStatus session_canaries_read(const IoTensors *tensors, const char *weights, SessionCanaries *out)
{
    BaseStatus st = BASE_OK;
    SessionCanaries c = {0};
    const char *list = io_tensors_meta(tensors, SESSION_META_CANARIES),
               *kind = io_tensors_meta(tensors, SESSION_META_CANARY_KIND),
               *seed = io_tensors_meta(tensors, "expunge.seed"), *data = io_tensors_meta(tensors, "expunge.data_hash");
    int64_t most = 0;
    *out = (SessionCanaries){0};
    if (!list) return BASE_OK;
    bool right = kind && seed && data && strlen(data) < sizeof c.data && base_parse_u64(seed, &c.seed);
    for (; right && session_canary_kinds[c.kind] && strcmp(session_canary_kinds[c.kind], kind) != 0;) c.kind++;
    BASE_CHECK(right && session_canary_kinds[c.kind], BASE_EFORMAT,
               "%s: its metadata have canaries, but not their " SESSION_META_CANARY_KIND
               ", expunge.seed and expunge.data_hash",
               weights);
    strcpy(c.data, data);
    for (const char *at = list; *at; at++) most += *at == ':';
    BASE_TRY(room(most, &c));
    c.n = 0;
    for (const char *at = list; *at || c.n == 0;)
        BASE_CHECK(c.n < most && read_one(&at, &c), BASE_EFORMAT,
                   "%s: canary %lld in its metadata is not 'position:label+' or 'position:label-', ascending", weights,
                   (long long)c.n + 1);
    *out = c;
    c = (SessionCanaries){0};
out:
    session_canaries_free(&c);
    return st;
}

bool session_canaries_same(const SessionCanaries *a, const SessionCanaries *b)
{
    return a->n == b->n && strcmp(a->data, b->data) == 0 && memcmp(a->at, b->at, (size_t)a->n * sizeof *a->at) == 0 &&
           memcmp(a->label, b->label, (size_t)a->n * sizeof *a->label) == 0 &&
           memcmp(a->coin, b->coin, (size_t)a->n) == 0;
}

void session_canaries_text(const SessionCanaries *c, BaseText *out)
{
    base_text_add(out, "%lld images with %s labels: %lld held in, %lld left out", (long long)c->n,
                  c->kind == SESSION_CANARY_IMAGE ? "their own" : "wrong", (long long)c->in, (long long)(c->n - c->in));
}

IoJson *session_canaries_json(const SessionCanaries *c)
{
    IoJson *json = io_json_object();
    io_json_set_take(json, "kind", io_json_text_value(session_canary_kinds[c->kind]));
    io_json_set_take(json, "count", io_json_integer(c->n));
    io_json_set_take(json, "held_in", io_json_integer(c->in));
    io_json_set_take(json, "left_out", io_json_integer(c->n - c->in));
    return json;
}
