/* tests/nn/naive.h - a network run layer by layer with plain loops in double: the twin of nn_engine. */
#ifndef TESTS_NN_NAIVE_H
#define TESTS_NN_NAIVE_H

#include <math.h>

#include "nn/net.h"
#include "nn/node.h"
#include "tests/support/support.h"

typedef struct {
    const NnNet *net;
    const NnGraph *graph;
    double *params; /* [param_count] */
    int64_t n;
    bool train;
    double **value, **diff; /* [nodes][n * C * H * W] */
    double **mean, **var;   /* [nodes][C] of norms */
} Naive;

static inline const NnNodeInfo *naive_node(const Naive *a, int i) { return nn_graph_node(a->graph, i); }
static inline int64_t naive_size(const Naive *a, int i)
{
    const NnNodeInfo *node = naive_node(a, i);
    return a->n * node->C * node->H * node->W;
}

static inline int64_t naive_offset(const Naive *a, int slice)
{
    int count;
    return nn_net_param_slices(a->net, &count)[slice].offset;
}

static inline double *naive_doubles(int64_t count)
{
    double *out = NULL;
    assert_ok(BASE_ALLOC(count, &out));
    return out;
}

/* Calls one multiply-add of a convolution or linear layer at a time: out[o] += in[i] * weight[w]. */
typedef void (*NaiveTerm)(void *user, int64_t o, int64_t i, int64_t w);
static inline void naive_terms(const Naive *a, int x, NaiveTerm term, void *user)
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    for (int64_t b = 0; b < a->n; b++)
        for (int64_t k = 0; k < node->C; k++)
            for (int64_t oy = 0; oy < node->H; oy++)
                for (int64_t ox = 0; ox < node->W; ox++)
                    for (int64_t c = 0; c < in->C / node->groups; c++)
                        for (int64_t ky = 0; ky < node->kernel_h; ky++)
                            for (int64_t kx = 0; kx < node->kernel_w; kx++) {
                                int64_t y = oy * node->stride + ky * node->dilation - node->pad_h,
                                        z = ox * node->stride + kx * node->dilation - node->pad_w,
                                        each = in->C / node->groups, from = k / (node->C / node->groups) * each + c;
                                if (y < 0 || y >= in->H || z < 0 || z >= in->W) continue;
                                term(user, ((b * node->C + k) * node->H + oy) * node->W + ox,
                                     ((b * in->C + from) * in->H + y) * in->W + z,
                                     ((k * each + c) * node->kernel_h + ky) * node->kernel_w + kx);
                            }
}

typedef struct {
    double *out, *in, *dout, *din, *dweight;
    const double *weight;
} NaiveLayer;
static inline void naive_term_forward(void *user, int64_t o, int64_t i, int64_t w)
{
    NaiveLayer *l = user;
    l->out[o] += l->in[i] * l->weight[w];
}
static inline void naive_term_backward(void *user, int64_t o, int64_t i, int64_t w)
{
    NaiveLayer *l = user;
    l->din[i] += l->dout[o] * l->weight[w];
    l->dweight[w] += l->dout[o] * l->in[i];
}

/* The input index an output of max pooling takes, first of equals. */
static inline int64_t naive_argmax(const Naive *a, const NnNodeInfo *node, const NnNodeInfo *in, const double *v,
                                   int64_t plane, int64_t oy, int64_t ox)
{
    int64_t best = -1;
    (void)a;
    for (int64_t ky = 0; ky < node->kernel_h; ky++)
        for (int64_t kx = 0; kx < node->kernel_w; kx++) {
            int64_t y = oy * node->stride + ky - node->pad_h, z = ox * node->stride + kx - node->pad_w;
            if (y < 0 || y >= in->H || z < 0 || z >= in->W) continue;
            int64_t i = (plane * in->H + y) * in->W + z;
            if (best < 0 || v[i] > v[best]) best = i;
        }
    return best;
}

static inline void naive_pool(Naive *a, int x, bool backward)
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    double *v = a->value[node->in[0]], *dv = a->diff[node->in[0]];
    double area = (double)(node->kernel_h * node->kernel_w);
    for (int64_t plane = 0; plane < a->n * node->C; plane++)
        for (int64_t oy = 0; oy < node->H; oy++)
            for (int64_t ox = 0; ox < node->W; ox++) {
                int64_t o = (plane * node->H + oy) * node->W + ox;
                if (node->kind == NN_NODE_MAX_POOL) {
                    int64_t i = naive_argmax(a, node, in, v, plane, oy, ox);
                    if (backward)
                        dv[i] += a->diff[x][o];
                    else
                        a->value[x][o] = v[i];
                    continue;
                }
                for (int64_t ky = 0; ky < node->kernel_h; ky++)
                    for (int64_t kx = 0; kx < node->kernel_w; kx++) {
                        int64_t i = (plane * in->H + oy * node->stride + ky) * in->W + ox * node->stride + kx;
                        if (backward)
                            dv[i] += a->diff[x][o] / area;
                        else
                            a->value[x][o] += v[i] / area;
                    }
            }
}

static inline void naive_norm_forward(Naive *a, int x)
{
    const NnNodeInfo *node = naive_node(a, x);
    const double *in = a->value[node->in[0]];
    const double *gamma = a->params + naive_offset(a, node->weight),
                 *beta = a->params + naive_offset(a, node->bias_slice);
    int count;
    const NnSlice *buffers = nn_net_buffer_slices(a->net, &count);
    int64_t area = node->H * node->W, m = a->n * area;
    for (int64_t c = 0; c < node->C; c++) {
        double mean = nn_net_buffers(a->net)[buffers[node->mean].offset + c];
        double var = nn_net_buffers(a->net)[buffers[node->var].offset + c];
        if (a->train) {
            mean = var = 0;
            for (int64_t j = 0; j < m; j++) mean += in[(j / area * node->C + c) * area + j % area] / (double)m;
            for (int64_t j = 0; j < m; j++)
                var += pow(in[(j / area * node->C + c) * area + j % area] - mean, 2) / (double)m;
        }
        a->mean[x][c] = mean;
        a->var[x][c] = var;
        for (int64_t j = 0; j < m; j++) {
            int64_t i = (j / area * node->C + c) * area + j % area;
            a->value[x][i] = gamma[c] * (in[i] - mean) / sqrt(var + node->epsilon) + beta[c];
        }
    }
}

static inline void naive_norm_backward(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    const double *in = a->value[node->in[0]], *dout = a->diff[x];
    const double *gamma = a->params + naive_offset(a, node->weight);
    double *dgamma = grads + naive_offset(a, node->weight), *dbeta = grads + naive_offset(a, node->bias_slice);
    int64_t area = node->H * node->W, m = a->n * area;
    for (int64_t c = 0; c < node->C; c++) {
        double s = 1 / sqrt(a->var[x][c] + node->epsilon), sum = 0, dot = 0;
        for (int64_t j = 0; j < m; j++) {
            int64_t i = (j / area * node->C + c) * area + j % area;
            sum += dout[i];
            dot += dout[i] * (in[i] - a->mean[x][c]) * s;
        }
        dgamma[c] += dot;
        dbeta[c] += sum;
        for (int64_t j = 0; j < m; j++) {
            int64_t i = (j / area * node->C + c) * area + j % area;
            double d = dout[i];
            if (a->train) d -= (sum + dot * (in[i] - a->mean[x][c]) * s) / (double)m;
            a->diff[node->in[0]][i] += gamma[c] * s * d;
        }
    }
}

static inline void naive_weighted(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    NaiveLayer l = {.out = a->value[x],
                    .in = a->value[node->in[0]],
                    .dout = a->diff[x],
                    .din = a->diff[node->in[0]],
                    .dweight = grads ? grads + naive_offset(a, node->weight) : NULL,
                    .weight = a->params + naive_offset(a, node->weight)};
    naive_terms(a, x, grads ? naive_term_backward : naive_term_forward, &l);
    int64_t area = node->H * node->W;
    for (int64_t i = 0; node->bias && i < naive_size(a, x); i++) {
        int64_t b = naive_offset(a, node->bias_slice) + i / area % node->C;
        if (grads)
            grads[b] += l.dout[i];
        else
            l.out[i] += a->params[b];
    }
}

/* ---- transformers: element (b, c, t) of [n, C, T, 1] is at (b C + c) T + t ---- */

static inline void naive_layer_norm(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    const double *in = a->value[node->in[0]], *gamma = a->params + naive_offset(a, node->weight),
                 *beta = a->params + naive_offset(a, node->bias_slice);
    double *dgamma = grads ? grads + naive_offset(a, node->weight) : NULL,
           *dbeta = grads ? grads + naive_offset(a, node->bias_slice) : NULL;
    int64_t C = node->C, area = node->H * node->W;
    for (int64_t row = 0; row < a->n * area; row++) {
        int64_t first = row / area * C * area + row % area;
        double mean = 0, var = 0, sum = 0, dot = 0;
        for (int64_t c = 0; c < C; c++) mean += in[first + c * area] / (double)C;
        for (int64_t c = 0; c < C; c++) var += pow(in[first + c * area] - mean, 2) / (double)C;
        double s = 1 / sqrt(var + node->epsilon);
        for (int64_t c = 0; c < C; c++) {
            int64_t i = first + c * area;
            double hat = (in[i] - mean) * s;
            if (!grads) {
                a->value[x][i] = gamma[c] * hat + beta[c];
                continue;
            }
            dgamma[c] += a->diff[x][i] * hat;
            dbeta[c] += a->diff[x][i];
            sum += gamma[c] * a->diff[x][i] / (double)C;
            dot += gamma[c] * a->diff[x][i] * hat / (double)C;
        }
        for (int64_t c = 0; grads && c < C; c++) {
            int64_t i = first + c * area;
            a->diff[node->in[0]][i] += s * (gamma[c] * a->diff[x][i] - sum - dot * (in[i] - mean) * s);
        }
    }
}

/* A function of one number, and its slope. */
static inline double naive_function(const NnNodeInfo *node, double x, bool slope)
{
    double s = 1 / (1 + exp(-x)), root = sqrt(2 / acos(-1)), t = tanh(root * (x + 0.044715 * x * x * x));
    double h = fmin(fmax(x / 6 + 0.5, 0), 1), dh = x > -3 && x < 3 ? 1.0 / 6 : 0;
    switch ((NnFunction)node->function) {
    case NN_SIGMOID: return slope ? s * (1 - s) : s;
    case NN_TANH: return slope ? 1 - tanh(x) * tanh(x) : tanh(x);
    case NN_SILU: return slope ? s + x * s * (1 - s) : x * s;
    case NN_HARD_SIGMOID: return slope ? dh : h;
    case NN_HARD_SWISH: return slope ? h + x * dh : x * h;
    case NN_RELU6: return slope ? x > 0 && x < 6 : fmin(fmax(x, 0), 6);
    case NN_LEAKY_RELU: return (slope ? 1 : x) * (x > 0 ? 1 : node->slope);
    case NN_HALF: return slope ? 0.5 : x / 2;
    case NN_GELU:
        return slope ? (1 + erf(x / sqrt(2))) / 2 + x * exp(-x * x / 2) / sqrt(2 * acos(-1))
                     : x * (1 + erf(x / sqrt(2))) / 2;
    case NN_GELU_TANH:
        return slope ? (1 + t) / 2 + x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x) / 2 : x * (1 + t) / 2;
    }
    return NAN;
}

/* Group norm, over (C / groups) H W values of one image. */
static inline void naive_group_norm(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    int64_t area = node->H * node->W, size = node->C / node->groups * area;
    int64_t gamma = naive_offset(a, node->weight), beta = naive_offset(a, node->bias_slice);
    for (int64_t at = 0; at < naive_size(a, x); at += size) {
        const double *in = a->value[node->in[0]] + at;
        double mean = 0, var = 0, sum = 0, dot = 0;
        for (int64_t i = 0; i < size; i++) mean += in[i] / (double)size;
        for (int64_t i = 0; i < size; i++) var += pow(in[i] - mean, 2) / (double)size;
        double s = 1 / sqrt(var + node->epsilon);
        for (int64_t i = 0; i < size; i++) {
            int64_t c = (at + i) / area % node->C;
            double hat = (in[i] - mean) * s, d = grads ? a->diff[x][at + i] : 0;
            if (!grads) {
                a->value[x][at + i] = a->params[gamma + c] * hat + a->params[beta + c];
                continue;
            }
            grads[gamma + c] += d * hat;
            grads[beta + c] += d;
            sum += a->params[gamma + c] * d / (double)size;
            dot += a->params[gamma + c] * d * hat / (double)size;
        }
        for (int64_t i = 0; grads && i < size; i++) {
            double d = a->params[gamma + (at + i) / area % node->C] * a->diff[x][at + i];
            a->diff[node->in[0]][at + i] += s * (d - sum - dot * (in[i] - mean) * s);
        }
    }
}

/* Channel by channel: y_ic = a_ic x_ic, a of the image or learned, and PReLU. */
static inline void naive_channels(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    const NnNodeInfo *by = node->kind == NN_NODE_SCALE ? naive_node(a, node->in[1]) : node;
    int64_t area = node->H * node->W, offset = by->weight < 0 ? 0 : naive_offset(a, by->weight);
    for (int64_t i = 0; i < naive_size(a, x); i++) {
        int64_t c = i / area % node->C, at = by->weight < 0                                 ? i / area
                                             : by->kind == NN_NODE_VECTOR || by->groups > 1 ? c
                                                                                            : 0;
        double in = a->value[node->in[0]][i];
        double factor = by->weight < 0 ? a->value[node->in[1]][at] : a->params[offset + at];
        bool passes = node->kind == NN_NODE_PRELU && in > 0;
        if (!grads) {
            a->value[x][i] = (passes ? 1 : factor) * in;
            continue;
        }
        a->diff[node->in[0]][i] += (passes ? 1 : factor) * a->diff[x][i];
        if (!passes) *(by->weight < 0 ? &a->diff[node->in[1]][at] : &grads[offset + at]) += in * a->diff[x][i];
    }
}

/* One channel of a map at a time, from or to its place among those of both. */
static inline void naive_concat(Naive *a, int x, bool backward)
{
    const NnNodeInfo *node = naive_node(a, x);
    int64_t area = node->H * node->W, first = naive_node(a, node->in[0])->C;
    for (int64_t i = 0; i < naive_size(a, x); i++) {
        int64_t c = i / area % node->C, image = i / area / node->C, k = c >= first, C = k ? node->C - first : first;
        int64_t from = (image * C + c - k * first) * area + i % area;
        if (backward)
            a->diff[node->in[k]][from] += a->diff[x][i];
        else
            a->value[x][i] = a->value[node->in[k]][from];
    }
}

/* Pixel (oy, ox) is the mean of rows floor(oy H / high) to ceil((oy + 1) H / high) - 1, and columns alike. */
static inline void naive_adaptive(Naive *a, int x, bool backward)
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    for (int64_t o = 0; o < naive_size(a, x); o++) {
        double oy = (double)(o / node->W % node->H), ox = (double)(o % node->W), H = (double)in->H, W = (double)in->W;
        int64_t y0 = (int64_t)floor(oy * H / (double)node->H), y1 = (int64_t)ceil((oy + 1) * H / (double)node->H);
        int64_t x0 = (int64_t)floor(ox * W / (double)node->W), x1 = (int64_t)ceil((ox + 1) * W / (double)node->W);
        for (int64_t y = y0; y < y1; y++)
            for (int64_t z = x0; z < x1; z++) {
                int64_t i = (o / node->W / node->H * in->H + y) * in->W + z;
                double share = 1 / (double)((y1 - y0) * (x1 - x0));
                if (backward)
                    a->diff[node->in[0]][i] += a->diff[x][o] * share;
                else
                    a->value[x][o] += a->value[node->in[0]][i] * share;
            }
    }
}

/* y, or the gradients of what made it */
static inline void naive_tokens(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    const NnNodeInfo *token = node->in[1] < 0 ? NULL : naive_node(a, node->in[1]);
    int64_t E = node->C, T = node->H, F = token ? token->H : 0, positions = naive_offset(a, node->weight), first[8];
    for (int64_t t = F; t-- > 0;) { /* where each one's numbers are */
        if (t < token->H - token->tokens) token = naive_node(a, token->in[1]);
        assert_true(t < 8);
        first[t] = naive_offset(a, token->weight) + (t - (token->H - token->tokens)) * E;
    }
    for (int64_t b = 0; b < a->n; b++)
        for (int64_t c = 0; c < E; c++)
            for (int64_t t = 0; t < T; t++) {
                int64_t o = (b * E + c) * T + t, i = (b * E + c) * (T - F) + t - F;
                if (grads) {
                    grads[positions + t * E + c] += a->diff[x][o];
                    *(t < F ? &grads[first[t] + c] : &a->diff[node->in[0]][i]) += a->diff[x][o];
                } else {
                    a->value[x][o] =
                        a->params[positions + t * E + c] + (t < F ? a->params[first[t] + c] : a->value[node->in[0]][i]);
                }
            }
}

/* One image and head: q, k, v are rows 0, E, 2 E of the stacked input. */
static inline void naive_head(Naive *a, int x, int64_t b, int64_t h, bool backward)
{
    const NnNodeInfo *node = naive_node(a, x);
    int64_t E = node->C, T = node->H, d = E / node->heads;
    double *in = a->value[node->in[0]] + (b * 3 * E + h * d) * T, *din = a->diff[node->in[0]] + (b * 3 * E + h * d) * T;
    double *out = a->value[x] + (b * E + h * d) * T, *dout = a->diff[x] + (b * E + h * d) * T;
    double *p = NULL;
    assert_ok(BASE_ALLOC(2 * T, &p));
    for (int64_t s = 0; s < T; s++) {
        double total = 0, mean = 0, *dp = p + T;
        for (int64_t t = 0; t < T; t++) {
            double score = 0;
            for (int64_t c = 0; c < d; c++) score += in[c * T + s] * in[(E + c) * T + t];
            p[t] = exp(score / sqrt((double)d));
            total += p[t];
        }
        for (int64_t t = 0; t < T; t++) {
            p[t] /= total;
            dp[t] = 0;
            for (int64_t c = 0; c < d; c++) {
                if (backward) {
                    dp[t] += dout[c * T + s] * in[(2 * E + c) * T + t];
                    din[(2 * E + c) * T + t] += p[t] * dout[c * T + s];
                } else {
                    out[c * T + s] += p[t] * in[(2 * E + c) * T + t];
                }
            }
            mean += p[t] * dp[t];
        }
        for (int64_t t = 0; backward && t < T; t++)
            for (int64_t c = 0; c < d; c++) {
                double ds = p[t] * (dp[t] - mean) / sqrt((double)d);
                din[c * T + s] += ds * in[(E + c) * T + t];
                din[(E + c) * T + t] += ds * in[c * T + s];
            }
    }
    base_free(p);
}

/* Q, K or V (part 0 to 2) of token t of a window, or what gathers its gradient: where the values of its features lie, one
 * every H W. The map is rolled, then cut into windows. */
static inline int64_t naive_token(const Naive *a, int x, int64_t b, int64_t h, int64_t window, int64_t t, int part,
                                  int64_t rolled[2])
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    int64_t side = node->window, across = in->W / side, E = node->C, d = E / node->heads;
    rolled[0] = window / across * side + t / side;
    rolled[1] = window % across * side + t % side;
    int64_t y = (rolled[0] + node->shift_h) % in->H, z = (rolled[1] + node->shift_w) % in->W;
    if (part < 3) return ((b * 3 * E + part * E + h * d) * in->H + y) * in->W + z;
    return y < node->H && z < node->W ? ((b * E + h * d) * node->H + y) * node->W + z : -1; /* of the output */
}

/* torchvision's attn_mask: counts parts of the rolled map in slices [0, -window), [-window, -shift), [-shift, ..). */
static inline int64_t naive_part(int64_t at, int64_t side, int64_t window, int64_t shift)
{
    return shift == 0 || at >= side - shift ? 2 : at >= side - window ? 1 : 0;
}

static inline void naive_window(Naive *a, int x, int64_t b, int64_t h, int64_t window, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    int64_t side = node->window, T = side * side, d = node->C / node->heads, area = in->H * in->W,
            table = naive_offset(a, naive_node(a, node->in[1])->weight), own[2], other[2];
    double *v = a->value[node->in[0]], *dv = a->diff[node->in[0]], *p = naive_doubles(2 * T), *dp = p + T;
    for (int64_t s = 0; s < T; s++) {
        double total = 0, mean = 0;
        int64_t q = naive_token(a, x, b, h, window, s, 0, own), o = naive_token(a, x, b, h, window, s, 3, own);
        for (int64_t t = 0; t < T; t++) {
            int64_t k = naive_token(a, x, b, h, window, t, 1, other);
            int64_t row = (own[0] - other[0] + side - 1) * (2 * side - 1) + own[1] - other[1] + side - 1;
            bool apart =
                naive_part(own[0], in->H, side, node->shift_h) != naive_part(other[0], in->H, side, node->shift_h) ||
                naive_part(own[1], in->W, side, node->shift_w) != naive_part(other[1], in->W, side, node->shift_w);
            double score = 0;
            for (int64_t c = 0; c < d; c++) score += v[q + c * area] * v[k + c * area];
            p[t] = exp(score / sqrt((double)d) + a->params[table + row * node->heads + h] - (apart ? 100 : 0));
            total += p[t];
        }
        for (int64_t t = 0; t < T; t++) {
            int64_t value = naive_token(a, x, b, h, window, t, 2, other);
            p[t] /= total;
            dp[t] = 0;
            for (int64_t c = 0; o >= 0 && c < d; c++) {
                int64_t to = o + c * node->H * node->W;
                if (grads) {
                    dp[t] += a->diff[x][to] * v[value + c * area];
                    dv[value + c * area] += p[t] * a->diff[x][to];
                } else {
                    a->value[x][to] += p[t] * v[value + c * area];
                }
            }
            mean += p[t] * dp[t];
        }
        for (int64_t t = 0; grads && t < T; t++) {
            int64_t k = naive_token(a, x, b, h, window, t, 1, other);
            int64_t row = (own[0] - other[0] + side - 1) * (2 * side - 1) + own[1] - other[1] + side - 1;
            double ds = p[t] * (dp[t] - mean);
            grads[table + row * node->heads + h] += ds;
            for (int64_t c = 0; c < d; c++) {
                dv[q + c * area] += ds * v[k + c * area] / sqrt((double)d);
                dv[k + c * area] += ds * v[q + c * area] / sqrt((double)d);
            }
        }
    }
    base_free(p);
}

/* Padding and patch merging, from the side of the input: where pixel (y, z) of channel c goes. */
static inline void naive_patches(Naive *a, int x, bool backward)
{
    const NnNodeInfo *node = naive_node(a, x), *in = naive_node(a, node->in[0]);
    int64_t side = node->kind == NN_NODE_PATCH_MERGE ? 2 : 1;
    for (int64_t i = 0; i < naive_size(a, node->in[0]); i++) {
        int64_t z = i % in->W, y = i / in->W % in->H, c = i / in->W / in->H % in->C, b = i / in->W / in->H / in->C;
        int64_t block = y % side + 2 * (z % side);
        int64_t o = ((b * node->C + block * in->C + c) * node->H + y / side) * node->W + z / side;
        if (backward)
            a->diff[node->in[0]][i] += a->diff[x][o];
        else
            a->value[x][o] = a->value[node->in[0]][i];
    }
}

/* True where @p x is a node of transformers, which this has then run. @p grads NULL: forward. */
static inline bool naive_transformer(Naive *a, int x, double *grads)
{
    const NnNodeInfo *node = naive_node(a, x);
    int64_t T = node->in[0] < 0 ? 0 : naive_node(a, node->in[0])->H;
    switch (node->kind) {
    case NN_NODE_CLASS_TOKEN:
    case NN_NODE_POSITION_BIAS:
    case NN_NODE_VECTOR: break;
    case NN_NODE_PAD:
    case NN_NODE_PATCH_MERGE: naive_patches(a, x, grads != NULL); break;
    case NN_NODE_WINDOW_ATTENTION: {
        const NnNodeInfo *in = naive_node(a, node->in[0]);
        int64_t windows = in->H / node->window * (in->W / node->window);
        for (int64_t i = 0; i < a->n * node->heads * windows; i++)
            naive_window(a, x, i / windows / node->heads, i / windows % node->heads, i % windows, grads);
        break;
    }
    case NN_NODE_SCALE:
    case NN_NODE_PRELU: naive_channels(a, x, grads); break;
    case NN_NODE_GROUP_NORM: naive_group_norm(a, x, grads); break;
    case NN_NODE_CONCAT: naive_concat(a, x, grads != NULL); break;
    case NN_NODE_ADAPTIVE_POOL: naive_adaptive(a, x, grads != NULL); break;
    case NN_NODE_TOKENS: naive_tokens(a, x, grads); break;
    case NN_NODE_LAYER_NORM: naive_layer_norm(a, x, grads); break;
    case NN_NODE_ATTENTION:
        for (int64_t i = 0; i < a->n * node->heads; i++)
            naive_head(a, x, i / node->heads, i % node->heads, grads != NULL);
        break;
    case NN_NODE_FIRST_TOKEN:
        for (int64_t i = 0; i < a->n * node->C; i++) {
            if (grads)
                a->diff[node->in[0]][i * T + node->token] += a->diff[x][i];
            else
                a->value[x][i] = a->value[node->in[0]][i * T + node->token];
        }
        break;
    case NN_NODE_ACTIVATION:
        for (int64_t i = 0; i < naive_size(a, x); i++) {
            double v = a->value[node->in[0]][i];
            if (grads)
                a->diff[node->in[0]][i] += a->diff[x][i] * naive_function(node, v, true);
            else
                a->value[x][i] = naive_function(node, v, false);
        }
        break;
    default: return false;
    }
    return true;
}

static inline void naive_forward(Naive *a, const float *x)
{
    int size = nn_graph_size(a->graph);
    for (int i = 0; i < size; i++) memset(a->value[i], 0, (size_t)naive_size(a, i) * sizeof(double));
    for (int64_t j = 0; j < naive_size(a, 0); j++) a->value[0][j] = x[j];
    for (int i = 1; i < size; i++) {
        const NnNodeInfo *node = naive_node(a, i);
        if (naive_transformer(a, i, NULL)) continue;
        double *out = a->value[i];
        const double *in = a->value[node->in[0]], *other = node->in[1] < 0 ? NULL : a->value[node->in[1]];
        switch (node->kind) {
        case NN_NODE_CONV:
        case NN_NODE_LINEAR: naive_weighted(a, i, NULL); break;
        case NN_NODE_NORM: naive_norm_forward(a, i); break;
        case NN_NODE_MAX_POOL:
        case NN_NODE_AVG_POOL: naive_pool(a, i, false); break;
        default: /* one element from one element */
            for (int64_t j = 0; j < naive_size(a, i); j++)
                out[j] = node->kind == NN_NODE_RELU ? fmax(in[j], 0) : in[j] + (other ? other[j] : 0);
        }
    }
}

static inline void naive_backward(Naive *a, const double *dlogits, double *grads)
{
    int size = nn_graph_size(a->graph);
    for (int i = 0; i < size; i++) memset(a->diff[i], 0, (size_t)naive_size(a, i) * sizeof(double));
    memset(grads, 0, (size_t)nn_net_param_count(a->net) * sizeof *grads);
    memcpy(a->diff[size - 1], dlogits, (size_t)naive_size(a, size - 1) * sizeof *dlogits);
    for (int i = size - 1; i > 0; i--) {
        const NnNodeInfo *node = naive_node(a, i);
        if (naive_transformer(a, i, grads)) continue;
        switch (node->kind) {
        case NN_NODE_CONV:
        case NN_NODE_LINEAR: naive_weighted(a, i, grads); break;
        case NN_NODE_NORM: naive_norm_backward(a, i, grads); break;
        case NN_NODE_MAX_POOL:
        case NN_NODE_AVG_POOL: naive_pool(a, i, true); break;
        default:
            for (int k = 0; k < 2; k++)
                for (int64_t j = 0; node->in[k] >= 0 && j < naive_size(a, i); j++)
                    if (node->kind != NN_NODE_RELU || a->value[i][j] > 0) a->diff[node->in[k]][j] += a->diff[i][j];
        }
    }
}

static inline Naive naive_create(const NnNet *net, int64_t n, bool train)
{
    Naive a = {.net = net, .graph = nn_net_graph(net), .n = n, .train = train};
    int size = nn_graph_size(a.graph);
    a.params = naive_doubles(nn_net_param_count(net));
    for (int64_t i = 0; i < nn_net_param_count(net); i++) a.params[i] = nn_net_params(net)[i];
    assert_ok(BASE_ALLOC(size, &a.value));
    assert_ok(BASE_ALLOC(size, &a.diff));
    assert_ok(BASE_ALLOC(size, &a.mean));
    assert_ok(BASE_ALLOC(size, &a.var));
    for (int i = 0; i < size; i++) {
        a.value[i] = naive_doubles(naive_size(&a, i));
        a.diff[i] = naive_doubles(naive_size(&a, i));
        a.mean[i] = naive_doubles(naive_node(&a, i)->C);
        a.var[i] = naive_doubles(naive_node(&a, i)->C);
    }
    return a;
}

static inline void naive_free(Naive *a)
{
    for (int i = 0; i < nn_graph_size(a->graph); i++) {
        base_free(a->value[i]);
        base_free(a->diff[i]);
        base_free(a->mean[i]);
        base_free(a->var[i]);
    }
    base_free(a->params);
    base_free(a->value);
    base_free(a->diff);
    base_free(a->mean);
    base_free(a->var);
}

#endif
