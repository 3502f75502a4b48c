/* unlearn/svd/measure.c - what a layer's two spaces are, what they share, and what an edit takes out of them. */
#include "unlearn/svd/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/svd/patches.h"

/* Rows of P_f are made in blocks of about this size. */
static const int64_t BLOCK_BYTES = (int64_t)16 << 20;

/* The mean over the groups, place by place; beyond min(n, f) s is 0. */
static BaseStatus mean_spectrum(const UnlearnSpaces *m, int64_t room, double **out)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC(room, out));
    for (int64_t g = 0; g < m->count; g++) {
        int64_t count;
        const double *s = unlearn_space_spectrum(m->of[g], &count);
        for (int64_t i = 0; s && i < base_smaller(count, room); i++) (*out)[i] += s[i] / (double)m->count;
    }
out:
    return st;
}

BaseStatus unlearn_measure_spaces(const NnLayer *layer, const UnlearnSpaces *r, const UnlearnSpaces *f,
                                  UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t count_r, count_f;
    snprintf(row->name, sizeof row->name, "%s", layer->name);
    row->features = layer->features;
    row->n_retain = unlearn_space_rows(r->of[0]);
    row->n_forget = unlearn_space_rows(f->of[0]);
    for (int64_t g = 0; g < r->count; g++) {
        row->trace_retain += unlearn_space_trace(r->of[g]) / (double)row->n_retain;
        row->trace_forget += unlearn_space_trace(f->of[g]) / (double)row->n_forget;
        row->rank_retain += unlearn_space_rank(r->of[g]) / (double)r->count;
        row->rank_forget += unlearn_space_rank(f->of[g]) / (double)r->count;
    }
    row->forget_removed = row->retain_removed = row->weight_change = row->shared = NAN;
    const double *has = unlearn_space_spectrum(r->of[0], &count_r);
    unlearn_space_spectrum(f->of[0], &count_f);
    if (!has) goto out;
    row->spectrum_count = count_r > count_f ? count_r : count_f;
    BASE_TRY(mean_spectrum(r, row->spectrum_count, &row->spectrum_retain));
    BASE_TRY(mean_spectrum(f, row->spectrum_count, &row->spectrum_forget));
out:
    return st;
}

/* Rows of the unit matrix, some at a time: e P_f gives rows of P_f, those times P_r the rows of P_f P_r, whose trace is
 * that of P_r P_f. */
static BaseStatus add_shared(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t f, double alpha_r,
                             double alpha_f, double *shared, double *all)
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
    *shared += part;
    *all += whole;
out:
    base_free(unit);
    base_free(p_f);
    base_free(both);
    return st;
}

BaseStatus unlearn_measure_shared(const UnlearnSpaces *retain, const UnlearnSpaces *forget, int64_t f, double alpha_r,
                                  double alpha_f, double *out)
{
    BaseStatus st = BASE_OK;
    double part = 0, whole = 0;
    for (int64_t g = 0; g < retain->count; g++)
        BASE_TRY(add_shared(retain->of[g], forget->of[g], f, alpha_r, alpha_f, &part, &whole));
    *out = whole > 0 ? part / whole : NAN;
out:
    return st;
}

double unlearn_measure_weight(const UnlearnSpaces *spaces, int64_t group)
{
    double all = 0;
    for (int64_t g = 0; g < spaces->count; g++) all += unlearn_space_trace(spaces->of[g]);
    return all > 0 ? unlearn_space_trace(spaces->of[group]) / all : 0;
}

/* ||delta X^T||^2 / ||W X^T||^2 over all groups; w, delta [K, features]; NaN where the layer does not respond at all */
static BaseStatus share(const UnlearnSpaces *m, const float *w, const float *delta, int64_t K, int64_t features,
                        double *out)
{
    BaseStatus st = BASE_OK;
    double all = 0, taken = 0;
    int64_t rows = K / m->count, size = rows * features;
    for (int64_t g = 0; g < m->count; g++) {
        double whole, part, weight = unlearn_measure_weight(m, g);
        BASE_TRY(unlearn_space_response(m->of[g], w + g * size, rows, &whole));
        BASE_TRY(unlearn_space_response(m->of[g], delta + g * size, rows, &part));
        all += weight * whole;
        taken += weight * part;
    }
    *out = all > 0 ? taken / all : NAN;
out:
    return st;
}

BaseStatus unlearn_measure_edit(const NnLayer *layer, const UnlearnSpaces *r, const UnlearnSpaces *f, const float *w,
                                const float *delta, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t K = layer->K, size = K * layer->features;
    float *whole = NULL, *part = NULL;
    BASE_TRY(BASE_ALLOC_RAW(size, &whole));
    BASE_TRY(BASE_ALLOC_RAW(size, &part));
    unlearn_patches_order(layer, K, w, false, whole);
    unlearn_patches_order(layer, K, delta, false, part);
    BASE_TRY(share(f, whole, part, K, layer->features, &row->forget_removed));
    BASE_TRY(share(r, whole, part, K, layer->features, &row->retain_removed));
    row->weight_change = sqrt(math_dot(delta, delta, size) / math_dot(w, w, size));
out:
    base_free(whole);
    base_free(part);
    return st;
}
