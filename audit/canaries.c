/* audit/canaries.c - arrays checked one by one when they are read: anybody may have written them. */
#include "audit/canaries.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/whole.h"
#include "base/memory.h"

void audit_canaries_free(AuditCanaries *c)
{
    base_free(c->label);
    base_free(c->coin);
    base_free(c->forgotten);
    base_free(c->at);
    base_free(c->unlearned);
    base_free(c->original);
    base_free(c->kind);
    base_free(c->seed);
    *c = (AuditCanaries){0};
}

BaseStatus audit_canaries_take(const SessionCanaries *from, const DataForget *forget, AuditCanaries *out)
{
    BaseStatus st = BASE_OK;
    if (from->n == 0) return BASE_OK;
    BASE_TRY(BASE_ALLOC(from->n, &out->label));
    BASE_TRY(BASE_ALLOC(from->n, &out->coin));
    BASE_TRY(BASE_ALLOC(from->n, &out->forgotten));
    BASE_TRY(BASE_ALLOC(from->n, &out->at));
    BASE_TRY(base_strdup(session_canary_kinds[from->kind], &out->kind));
    BASE_TRY(base_format(&out->seed, "%llu", (unsigned long long)from->seed));
    out->n = from->n;
    for (int64_t i = 0; i < from->n; i++) {
        out->label[i] = from->label[i];
        out->coin[i] = from->coin[i];
        out->forgotten[i] = data_forget_holds(forget, from->label[i], from->at[i]);
        out->at[i] = from->at[i];
    }
out:
    return st;
}

BaseStatus audit_canaries_write(const AuditCanaries *c, int64_t K, IoHdf5 *file)
{
    BaseStatus st = BASE_OK;
    const int64_t shape[2] = {c->n, K};
    if (c->n == 0) return BASE_OK;
    BASE_TRY(io_hdf5_write(file, "/canaries/labels", IO_H5_I32, 1, shape, c->label));
    BASE_TRY(io_hdf5_write(file, "/canaries/coin", IO_H5_U8, 1, shape, c->coin));
    BASE_TRY(io_hdf5_write(file, "/canaries/forgotten", IO_H5_U8, 1, shape, c->forgotten));
    BASE_TRY(io_hdf5_write(file, "/canaries/unlearned_logits", IO_H5_F64, 2, shape, c->unlearned));
    if (c->at) BASE_TRY(io_hdf5_write(file, "/canaries/position", IO_H5_I64, 1, shape, c->at));
    if (c->original) BASE_TRY(io_hdf5_write(file, "/canaries/original_logits", IO_H5_F64, 2, shape, c->original));
    if (c->kind) BASE_TRY(io_hdf5_set_text(file, "/canaries", "kind", c->kind));
    if (c->seed) BASE_TRY(io_hdf5_set_text(file, "/canaries", "seed", c->seed));
out:
    return st;
}

/* @p path [n], or [n, K] where K is not 0. *n 0: not known yet. */
static BaseStatus check_shape(const SessionSource *from, const char *file_name, const char *path, int64_t *n, int64_t K)
{
    BaseStatus st = BASE_OK;
    IoH5Info info;
    const int64_t shape[2] = {*n ? *n : -1, K};
    BASE_TRY(audit_whole_shape(from, file_name, path, K ? 2 : 1, shape, &info));
    *n = info.shape[0];
out:
    return st;
}

static BaseStatus read_bits(const SessionSource *from, const char *file_name, const char *path, int64_t *n,
                            uint8_t **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_shape(from, file_name, path, n, 0));
    BASE_TRY(audit_whole_u8(from, file_name, path, 0, 1, "it must be 0 or 1", out));
out:
    return st;
}

static BaseStatus read_logits(const SessionSource *from, const char *file_name, const char *path, int64_t n, int64_t K,
                              double **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_shape(from, file_name, path, &n, K));
    BASE_TRY(BASE_ALLOC_RAW(n * K, out));
    BASE_TRY(session_source_read(from, path, IO_H5_F64, *out));
    for (int64_t i = 0; i < n * K; i++)
        BASE_CHECK(isfinite((*out)[i]), BASE_EFORMAT, "%s: %s of canary %lld is %g; logits must be finite numbers",
                   file_name, path, (long long)(i / K), (*out)[i]);
out:
    return st;
}

/* An attribute that may be missing. */
static BaseStatus read_text(const SessionSource *from, const char *name, char **out)
{
    if (!from->file) return BASE_OK;
    BaseStatus st = io_hdf5_get_text(from->file, "/canaries", name, out);
    if (st != BASE_ENOTFOUND) return st;
    base_error_clear();
    return BASE_OK;
}

/* Coins that somebody turned are not those of the seed. */
static BaseStatus check_coins(const char *file_name, const AuditCanaries *c)
{
    BaseStatus st = BASE_OK;
    uint64_t seed;
    if (!c->seed || !c->at) return BASE_OK;
    BASE_CHECK(base_parse_u64(c->seed, &seed), BASE_EFORMAT, "%s: the seed '%.40s' of /canaries is not a number",
               file_name, c->seed);
    for (int64_t i = 0; i < c->n; i++)
        BASE_CHECK(c->coin[i] == session_canaries_coin(seed, c->at[i]), BASE_EFORMAT,
                   "%s: the coin of canary %lld is not the one that seed %s gives to image %lld", file_name,
                   (long long)i, c->seed, (long long)c->at[i]);
out:
    return st;
}

BaseStatus audit_canaries_read(const SessionSource *from, const char *name, int64_t K, const bool *forgotten,
                               AuditCanaries *out)
{
    BaseStatus st = BASE_OK;
    AuditCanaries c = {0};
    char classes[64];
    *out = (AuditCanaries){0};
    if (!session_source_has(from, "/canaries")) return BASE_OK;
    snprintf(classes, sizeof classes, "the logits have %lld classes", (long long)K);
    BASE_TRY(check_shape(from, name, "/canaries/labels", &c.n, 0));
    BASE_TRY(audit_whole_i32(from, name, "/canaries/labels", 0, K - 1, classes, &c.label));
    BASE_TRY(read_bits(from, name, "/canaries/coin", &c.n, &c.coin));
    if (session_source_has(from, "/canaries/forgotten")) {
        BASE_TRY(read_bits(from, name, "/canaries/forgotten", &c.n, &c.forgotten));
    } else {
        BASE_TRY(BASE_ALLOC(c.n, &c.forgotten));
        for (int64_t i = 0; i < c.n; i++) c.forgotten[i] = forgotten[c.label[i]];
    }
    BASE_TRY(read_logits(from, name, "/canaries/unlearned_logits", c.n, K, &c.unlearned));
    if (session_source_has(from, "/canaries/original_logits"))
        BASE_TRY(read_logits(from, name, "/canaries/original_logits", c.n, K, &c.original));
    if (session_source_has(from, "/canaries/position")) {
        BASE_TRY(check_shape(from, name, "/canaries/position", &c.n, 0));
        BASE_TRY(BASE_ALLOC_RAW(c.n, &c.at));
        BASE_TRY(session_source_whole(from, "/canaries/position", c.at));
    }
    BASE_TRY(read_text(from, "kind", &c.kind));
    BASE_TRY(read_text(from, "seed", &c.seed));
    BASE_TRY(check_coins(name, &c));
    *out = c;
    c = (AuditCanaries){0};
out:
    audit_canaries_free(&c);
    return st;
}
