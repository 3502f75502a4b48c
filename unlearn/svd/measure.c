/* unlearn/svd/measure.c - what a layer's two spaces are, what they share, and what an edit takes out of them. */
#include "unlearn/svd/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/svd/patches.h"

/* Rows of P_f are made in blocks of about this size. */
static const int64_t BLOCK_BYTES = (int64_t)16 << 20;

static BaseStatus copy_spectrum(const UnlearnSpace *m, int64_t room, double **out)
{
    BaseStatus st = BASE_OK;
    int64_t count;
    const double *s = unlearn_space_spectrum(m, &count);
    if (!s) return BASE_OK;
    BASE_TRY(BASE_ALLOC(room, out)); /* beyond min(n, f) s is 0 */
    memcpy(*out, s, (size_t)(count < room ? count : room) * sizeof *s);
out:
    return st;
}

BaseStatus unlearn_measure_spaces(const NnLayer *layer, const UnlearnSpace *r, const UnlearnSpace *f, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t count_r, count_f;
    snprintf(row->name, sizeof row->name, "%s", layer->name);
    row->features = layer->features;
    row->n_retain = unlearn_space_rows(r);
    row->n_forget = unlearn_space_rows(f);
    row->trace_retain = unlearn_space_trace(r) / (double)row->n_retain;
    row->trace_forget = unlearn_space_trace(f) / (double)row->n_forget;
    row->rank_retain = unlearn_space_rank(r);
    row->rank_forget = unlearn_space_rank(f);
    row->forget_removed = row->retain_removed = row->weight_change = row->shared = NAN;
    const double *has = unlearn_space_spectrum(r, &count_r);
    unlearn_space_spectrum(f, &count_f);
    if (!has) goto out;
    row->spectrum_count = count_r > count_f ? count_r : count_f;
    BASE_TRY(copy_spectrum(r, row->spectrum_count, &row->spectrum_retain));
    BASE_TRY(copy_spectrum(f, row->spectrum_count, &row->spectrum_forget));
out:
    return st;
}

/* Rows of the unit matrix, some at a time: e P_f gives rows of P_f, those times P_r the rows of P_f P_r, whose trace is
 * that of P_r P_f. */
BaseStatus unlearn_measure_shared(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t f, double alpha_r,
                                  double alpha_f, double *out)
{
    BaseStatus st = BASE_OK;
    int64_t most = BLOCK_BYTES / (f * (int64_t)sizeof(float));
    float *unit = NULL, *p_f = NULL, *both = NULL;
    double part = 0, whole = 0;
    most = most < 1 ? 1 : most > f ? f : most;
    BASE_TRY(BASE_ALLOC_RAW(most * f, &unit));
    BASE_TRY(BASE_ALLOC_RAW(most * f, &p_f));
    BASE_TRY(BASE_ALLOC_RAW(most * f, &both));
    for (int64_t at = 0; at < f; at += most) {
        int64_t rows = f - at < most ? f - at : most;
        memset(unit, 0, (size_t)(rows * f) * sizeof *unit);
        for (int64_t i = 0; i < rows; i++) unit[i * f + at + i] = 1;
        BASE_TRY(unlearn_space_project(forget, alpha_f, unit, rows, p_f));
        BASE_TRY(unlearn_space_project(retain, alpha_r, p_f, rows, both));
        for (int64_t i = 0; i < rows; i++) {
            whole += (double)p_f[i * f + at + i];
            part += (double)both[i * f + at + i];
        }
    }
    *out = whole > 0 ? part / whole : NAN;
out:
    base_free(unit);
    base_free(p_f);
    base_free(both);
    return st;
}

/* ||delta X^T||^2 / ||W X^T||^2; NaN where the layer does not respond at all */
static BaseStatus share(const UnlearnSpace *m, const float *w, const float *delta, int64_t K, double *out)
{
    BaseStatus st = BASE_OK;
    double whole, part;
    BASE_TRY(unlearn_space_response(m, w, K, &whole));
    BASE_TRY(unlearn_space_response(m, delta, K, &part));
    *out = whole > 0 ? part / whole : NAN;
out:
    return st;
}

BaseStatus unlearn_measure_edit(const NnLayer *layer, const UnlearnSpace *r, const UnlearnSpace *f, const float *w,
                                const float *delta, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t K = layer->K, size = K * layer->features;
    float *whole = NULL, *part = NULL;
    BASE_TRY(BASE_ALLOC_RAW(size, &whole));
    BASE_TRY(BASE_ALLOC_RAW(size, &part));
    unlearn_patches_order(layer, K, w, false, whole);
    unlearn_patches_order(layer, K, delta, false, part);
    BASE_TRY(share(f, whole, part, K, &row->forget_removed));
    BASE_TRY(share(r, whole, part, K, &row->retain_removed));
    row->weight_change = sqrt(math_dot(delta, delta, size) / math_dot(w, w, size));
out:
    base_free(whole);
    base_free(part);
    return st;
}
