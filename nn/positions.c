/* nn/positions.c - sums in float64, in any order the same to float32's last digit or two. */
#include "nn/positions.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/hub.h"

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* Weights [to, from] of one axis: target i is centred on (i + 1/2) from / to. */
static void axis_weights(int64_t from, int64_t to, double *w)
{
    double scale = (double)from / (double)to, stretch = scale > 1 ? scale : 1;
    for (int64_t i = 0; i < to; i++) {
        double centre = ((double)i + 0.5) * scale, sum = 0, *row = w + i * from;
        int64_t first = (int64_t)(centre - 2 * stretch + 0.5), end = (int64_t)(centre + 2 * stretch + 0.5);
        if (centre - 2 * stretch + 0.5 < 0) first = 0;
        if (end > from) end = from;
        for (int64_t j = 0; j < from; j++) {
            row[j] = j >= first && j < end ? cubic(((double)j - centre + 0.5) / stretch) : 0;
            sum += row[j];
        }
        for (int64_t j = 0; j < from; j++) row[j] /= sum;
    }
}

BaseStatus nn_positions_resample(const float *from, int64_t from_h, int64_t from_w, int64_t E, int64_t to_h,
                                 int64_t to_w, float *to)
{
    BaseStatus st = BASE_OK;
    double *down = NULL, *across = NULL, *lines = NULL; /* lines [from_h, to_w, E] */
    BASE_TRY(BASE_ALLOC_RAW(to_h * from_h, &down));
    BASE_TRY(BASE_ALLOC_RAW(to_w * from_w, &across));
    BASE_TRY(BASE_ALLOC(from_h * to_w * E, &lines));
    axis_weights(from_h, to_h, down);
    axis_weights(from_w, to_w, across);
    for (int64_t y = 0; y < from_h; y++)
        for (int64_t x = 0; x < to_w; x++)
            for (int64_t j = 0; j < from_w; j++)
                for (int64_t e = 0; across[x * from_w + j] != 0 && e < E; e++)
                    lines[(y * to_w + x) * E + e] += across[x * from_w + j] * (double)from[(y * from_w + j) * E + e];
    for (int64_t y = 0; y < to_h; y++)
        for (int64_t i = 0; i < to_w * E; i++) {
            double sum = 0;
            for (int64_t j = 0; j < from_h; j++) sum += down[y * from_h + j] * lines[j * to_w * E + i];
            to[y * to_w * E + i] = (float)sum;
        }
out:
    base_free(down);
    base_free(across);
    base_free(lines);
    return st;
}

/* The grid that the checkpoint has; false: it says of none. */
static bool old_grid(const IoTensors *tensors, int64_t patches, int64_t patch, int64_t *h, int64_t *w)
{
    const IoHub *hub = tensors->hub;
    *h = *w = (int64_t)lround(sqrt((double)patches));
    if (hub && hub->height) *h = hub->height / patch, *w = hub->width / patch;
    return patches > 0 && *h * *w == patches;
}

static BaseStatus replace(IoTensor *positions, int64_t tokens, int64_t h, int64_t w, int64_t to_h, int64_t to_w)
{
    BaseStatus st = BASE_OK;
    int64_t E = positions->shape[2], count = (tokens + to_h * to_w) * E;
    float *old = NULL, *values = NULL;
    IoTensor fresh = *positions;
    fresh.data = NULL;
    fresh.shape[1] = tokens + to_h * to_w;
    fresh.count = count;
    BASE_TRY(BASE_ALLOC_RAW(positions->count, &old));
    BASE_TRY(BASE_ALLOC_RAW(count, &values));
    BASE_TRY(io_tensor_to_f32(positions, old));
    memcpy(values, old, (size_t)(tokens * E) * sizeof *values);
    BASE_TRY(nn_positions_resample(old + tokens * E, h, w, E, to_h, to_w, values + tokens * E));
    BASE_TRY(base_alloc_bytes((size_t)count, io_dtype_size(fresh.dtype), &fresh.data));
    BASE_TRY(io_tensor_from_f32(&fresh, values));
    base_free(positions->data);
    *positions = fresh;
    fresh.data = NULL;
out:
    base_free(fresh.data);
    base_free(old);
    base_free(values);
    return st;
}

BaseStatus nn_positions_resize(IoTensors *tensors, int64_t H, int64_t W, const char *where)
{
    BaseStatus st = BASE_OK;
    IoTensor *positions = io_tensors_find(tensors, "encoder.pos_embedding"),
             *patches = io_tensors_find(tensors, "conv_proj.weight");
    int64_t tokens = io_tensors_find(tensors, ":1:class_token") ? 2 : 1, h, w;
    BASE_CHECK(positions && positions->ndim == 3 && positions->shape[0] == 1 && positions->shape[2] > 0 && patches &&
                   patches->ndim == 4 && patches->shape[3] > 0,
               BASE_ESHAPE, "%s: is no vision transformer, whose positions could be interpolated", where);
    int64_t patch = patches->shape[3];
    BASE_CHECK(H % patch == 0 && W % patch == 0, BASE_ESHAPE,
               "%s: patches of %lld pixels do not fill images of %lld x %lld", where, (long long)patch, (long long)H,
               (long long)W);
    BASE_CHECK(old_grid(tensors, positions->shape[1] - tokens, patch, &h, &w), BASE_ESHAPE,
               "%s: %lld positions are no grid", where, (long long)(positions->shape[1] - tokens));
    if (h != H / patch || w != W / patch) BASE_TRY(replace(positions, tokens, h, w, H / patch, W / patch));
    if (tensors->hub) tensors->hub->height = H, tensors->hub->width = W;
out:
    return st;
}
