/* nn/kernels/windows.c - attention inside windows: one image and head at a time, in parallel; a window's rows are copied
 * out, so that its products run on dense matrices that stay in cache. Sums are float32 in a fixed order. The backward pass
 * computes P again rather than keep it. */
#define NN_LANES 16
#include "nn/kernels/windows.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "nn/kernels/element.h"
#include "nn/kernels/lanes.h"

enum { HIGH = 4 }; /* rows of a product at once */

static const float UNRELATED = -100; /* what torchvision adds, as the authors do */

static int64_t up(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

/* Matrices of one window: rows of tokens are padded to a multiple of HIGH, columns to one of LANES, with zeros. */
typedef struct {
    int64_t T, rows, wide_T, d, wide_d, table; /* table: its rows */
    double *sums;                              /* [table] */
    float *bias, *score, *dscore;              /* [rows, wide_T] */
    float *q, *k, *v, *o, *dq;                 /* [rows, wide_d] */
    float *kt, *vt;                            /* [d, wide_T] */
} Window;

static int64_t lay_out(const NnWindows *s, Window *w, float *scratch)
{
    int64_t T = s->window * s->window, d = s->E / s->heads;
    *w = (Window){.T = T,
                  .rows = up(T, HIGH),
                  .wide_T = up(T, LANES),
                  .d = d,
                  .wide_d = up(d, LANES),
                  .table = (2 * s->window - 1) * (2 * s->window - 1)};
    int64_t at = 0, square = w->rows * w->wide_T, tall = w->rows * w->wide_d, flat = d * w->wide_T;
    float **const squares[] = {&w->bias, &w->score, &w->dscore};
    float **const talls[] = {&w->q, &w->k, &w->v, &w->o, &w->dq};
    float **const flats[] = {&w->kt, &w->vt};
    if (scratch) w->sums = (double *)(void *)scratch;
    at = up(w->table * (int64_t)(sizeof *w->sums / sizeof(float)), LANES);
    for (int i = 0; i < 3; i++, at += square) *squares[i] = scratch ? scratch + at : NULL;
    for (int i = 0; i < 5; i++, at += tall) *talls[i] = scratch ? scratch + at : NULL;
    for (int i = 0; i < 2; i++, at += flat) *flats[i] = scratch ? scratch + at : NULL;
    return up(at, LANES);
}

int64_t nn_windows_scratch(const NnWindows *s)
{
    Window w;
    return lay_out(s, &w, NULL);
}

/* Of this thread; all zeros, which padding stays. */
static Window open_window(const NnWindows *s, float *scratch)
{
    Window w;
    int64_t size = nn_windows_scratch(s);
    float *own = scratch + omp_get_thread_num() * size;
    memset(own, 0, (size_t)size * sizeof *own);
    lay_out(s, &w, own);
    return w;
}

/* c [rows, lanes] = a b for b [inner, lanes]; rows are a multiple of HIGH, lanes of LANES. a may be transposed: its
 * element (r, i) is at r a_row + i a_step. */
BASE_CLONES("avx512f", "avx2", "default")
static void windows_product(int64_t rows, int64_t inner, int64_t lanes, const float *a, int64_t a_row, int64_t a_step,
                            const float *b, float *c)
{
    for (int64_t r = 0; r < rows; r += HIGH)
        for (int64_t l = 0; l < lanes; l += LANES) {
            Lanes sum[HIGH] = {{0}};
            for (int64_t i = 0; i < inner; i++) {
                Lanes from = *(const Lanes *)(b + i * lanes + l);
                for (int k = 0; k < HIGH; k++) sum[k] += a[(r + k) * a_row + i * a_step] * from;
            }
            for (int k = 0; k < HIGH; k++) *(Lanes *)(c + (r + k) * lanes + l) = sum[k];
        }
}

static int64_t table_row(int64_t window, int64_t s, int64_t t)
{
    return (s / window - t / window + window - 1) * (2 * window - 1) + s % window - t % window + window - 1;
}

void nn_windows_index(int64_t window, int64_t *index)
{
    int64_t T = window * window;
    for (int64_t s = 0; s < T; s++)
        for (int64_t t = 0; t < T; t++) index[s * T + t] = table_row(window, s, t);
}

static void take_bias(const NnWindows *s, const Window *w, const float *table, int64_t head)
{
    for (int64_t i = 0; i < w->T; i++)
        for (int64_t j = 0; j < w->T; j++)
            w->bias[i * w->wide_T + j] = table[table_row(s->window, i, j) * s->heads + head];
}

/* Where token @p t of window @p i lies on the map, as it was before it was rolled. */
static void place(const NnWindows *s, int64_t i, int64_t t, int64_t *y, int64_t *x)
{
    int64_t across = s->W / s->window;
    *y = (i / across * s->window + t / s->window + s->shift_h) % s->H;
    *x = (i % across * s->window + t % s->window + s->shift_w) % s->W;
}

/* Which of the parts of the rolled map that were apart before: 0 to 2 along a side. */
static int part_of(int64_t at, int64_t side, int64_t window, int64_t shift)
{
    return shift == 0 ? 0 : (at >= side - window) + (at >= side - shift);
}

static void unrelate(const NnWindows *s, const Window *w, int64_t i)
{
    int64_t across = s->W / s->window;
    if (s->shift_h == 0 && s->shift_w == 0) return;
    for (int64_t a = 0; a < w->T; a++)
        for (int64_t b = 0; b < w->T; b++) {
            int64_t y = i / across * s->window, x = i % across * s->window, n = s->window;
            if (part_of(y + a / n, s->H, n, s->shift_h) != part_of(y + b / n, s->H, n, s->shift_h) ||
                part_of(x + a % n, s->W, n, s->shift_w) != part_of(x + b % n, s->W, n, s->shift_w))
                w->score[a * w->wide_T + b] += UNRELATED;
        }
}

/* The head's part of Q, K or V (@p part), times @p factor, of window @p i; @p turned, or NULL: transposed too. */
static void take(const NnWindows *s, const Window *w, const void *qkv, int64_t image, int64_t head, int64_t i, int part,
                 float factor, float *rows, float *turned)
{
    for (int64_t t = 0; t < w->T; t++) {
        int64_t y, x;
        place(s, i, t, &y, &x);
        int64_t from = ((image * s->H + y) * s->W + x) * 3 * s->E + part * s->E + head * w->d;
        for (int64_t c = 0; c < w->d; c++) {
            float v = factor * nn_element_get(qkv, from + c, s->element);
            rows[t * w->wide_d + c] = v;
            if (turned) turned[c * w->wide_T + t] = v;
        }
    }
}

static void put(const NnWindows *s, const Window *w, const float *rows, int64_t image, int64_t head, int64_t i,
                int part, float factor, void *dqkv)
{
    for (int64_t t = 0; t < w->T; t++) {
        int64_t y, x;
        place(s, i, t, &y, &x);
        int64_t to = ((image * s->H + y) * s->W + x) * 3 * s->E + part * s->E + head * w->d;
        for (int64_t c = 0; c < w->d; c++) nn_element_set(dqkv, to + c, s->element, factor * rows[t * w->wide_d + c]);
    }
}

/* P of one window, in @p w->score. */
static void weigh(const NnWindows *s, const Window *w, int64_t i)
{
    windows_product(w->rows, w->d, w->wide_T, w->q, w->wide_d, 1, w->kt, w->score);
    for (int64_t at = 0; at < w->T * w->wide_T; at++) w->score[at] += w->bias[at];
    unrelate(s, w, i);
    for (int64_t a = 0; a < w->T; a++) {
        float *row = w->score + a * w->wide_T, largest = row[0], sum = 0;
        for (int64_t t = 1; t < w->T; t++) largest = row[t] > largest ? row[t] : largest;
        for (int64_t t = 0; t < w->T; t++) row[t] = expf(row[t] - largest);
        for (int64_t t = 0; t < w->T; t++) sum += row[t];
        for (int64_t t = 0; t < w->T; t++) row[t] /= sum;
        for (int64_t t = w->T; t < w->wide_T; t++) row[t] = 0;
    }
}

void nn_windows_forward(const NnWindows *s, const void *qkv, const float *table, void *out, float *scratch)
{
    int64_t windows = s->H / s->window * (s->W / s->window);
#pragma omp parallel for schedule(static) num_threads(s->threads)
    for (int64_t unit = 0; unit < s->n * s->heads; unit++) {
        int64_t image = unit / s->heads, head = unit % s->heads;
        Window w = open_window(s, scratch);
        take_bias(s, &w, table, head);
        for (int64_t i = 0; i < windows; i++) {
            take(s, &w, qkv, image, head, i, 0, 1 / sqrtf((float)w.d), w.q, NULL);
            take(s, &w, qkv, image, head, i, 1, 1, w.k, w.kt);
            take(s, &w, qkv, image, head, i, 2, 1, w.v, NULL);
            weigh(s, &w, i);
            windows_product(w.rows, w.T, w.wide_d, w.score, w.wide_T, 1, w.v, w.o);
            for (int64_t t = 0; t < w.T; t++) {
                int64_t y, x;
                place(s, i, t, &y, &x);
                if (y >= s->high || x >= s->wide) continue;
                int64_t to = ((image * s->high + y) * s->wide + x) * s->E + head * w.d;
                for (int64_t c = 0; c < w.d; c++) nn_element_set(out, to + c, s->element, w.o[t * w.wide_d + c]);
            }
        }
    }
}

/* dO of one window; what is padding has none. */
static void take_gradient(const NnWindows *s, const Window *w, const void *g, int64_t image, int64_t head, int64_t i)
{
    for (int64_t t = 0; t < w->T; t++) {
        int64_t y, x;
        place(s, i, t, &y, &x);
        int64_t from = ((image * s->high + y) * s->wide + x) * s->E + head * w->d;
        bool asked = y < s->high && x < s->wide;
        for (int64_t c = 0; c < w->d; c++)
            w->o[t * w->wide_d + c] = asked ? nn_element_get(g, from + c, s->element) : 0;
    }
}

/* dS out of dP and P, in @p w->dscore, and what it adds to the table's gradient. */
static void slope(const NnWindows *s, const Window *w)
{
    for (int64_t a = 0; a < w->T; a++) {
        const float *p = w->score + a * w->wide_T;
        float *d = w->dscore + a * w->wide_T, mean = 0;
        for (int64_t t = 0; t < w->T; t++) mean += p[t] * d[t];
        for (int64_t t = 0; t < w->wide_T; t++) d[t] = p[t] * (d[t] - mean);
        for (int64_t t = 0; t < w->T; t++) w->sums[table_row(s->window, a, t)] += (double)d[t];
    }
}

void nn_windows_backward(const NnWindows *s, const void *qkv, const float *table, const void *g, void *dqkv,
                         float *dtable, float *scratch)
{
    int64_t windows = s->H / s->window * (s->W / s->window);
#pragma omp parallel for schedule(static) num_threads(s->threads)
    for (int64_t unit = 0; unit < s->n * s->heads; unit++) {
        int64_t image = unit / s->heads, head = unit % s->heads;
        Window w = open_window(s, scratch);
        float scale = 1 / sqrtf((float)w.d);
        take_bias(s, &w, table, head);
        for (int64_t i = 0; i < windows; i++) {
            take(s, &w, qkv, image, head, i, 0, scale, w.q, NULL);
            take(s, &w, qkv, image, head, i, 1, 1, w.k, w.kt);
            take(s, &w, qkv, image, head, i, 2, 1, w.v, w.vt);
            weigh(s, &w, i);
            take_gradient(s, &w, g, image, head, i);
            windows_product(w.rows, w.T, w.wide_d, w.score, 1, w.wide_T, w.o, w.dq);
            put(s, &w, w.dq, image, head, i, 2, 1, dqkv);
            windows_product(w.rows, w.d, w.wide_T, w.o, w.wide_d, 1, w.vt, w.dscore);
            slope(s, &w);
            windows_product(w.rows, w.T, w.wide_d, w.dscore, w.wide_T, 1, w.k, w.dq);
            put(s, &w, w.dq, image, head, i, 0, scale, dqkv);
            windows_product(w.rows, w.T, w.wide_d, w.dscore, 1, w.wide_T, w.q, w.dq); /* the scale is in Q */
            put(s, &w, w.dq, image, head, i, 1, 1, dqkv);
        }
        for (int64_t row = 0; row < w.table; row++)
            dtable[(image * w.table + row) * s->heads + head] = (float)w.sums[row];
    }
}
