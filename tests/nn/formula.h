/* tests/nn/formula.h - full-size networks against PyTorch's logits without stored weights. */
#ifndef TESTS_NN_FORMULA_H
#define TESTS_NN_FORMULA_H

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "nn/arch/arch.h"
#include "nn/backend.h"
#include "tests/support/support.h"

/* Parameters from a formula, so that full-size networks can be compared without stored weights: u in [-1, 1) from the
 * SplitMix64 finaliser of (FNV-1a of the name + index + golden ratio). */
static inline double formula(const char *name, int64_t i)
{
    uint64_t z = base_random_mix(base_hash_fnv1a(name) + (uint64_t)i + 0x9e3779b97f4a7c15u);
    return 2 * ((double)(z >> 11) * 0x1p-53) - 1;
}

static inline void formula_slice(const NnSlice *slice, float *out)
{
    double scale = sqrt(6 * (double)slice->shape[0] / (double)slice->count);
    for (int64_t i = 0; i < slice->count; i++) {
        double u = formula(slice->name, i);
        switch (slice->role) {
        case NN_NORM_WEIGHT: u = 1 + 0.1 * u; break;
        case NN_RUNNING_VAR: u = 1 + 0.5 * fabs(u); break;
        case NN_WEIGHT: u *= scale; break;
        default: u *= 0.1; break;
        }
        out[i] = (float)u;
    }
}

static inline void formula_fill(NnNet *net)
{
    int count = 0;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    float *params = nn_net_edit_params(net), *buffers = nn_net_edit_buffers(net);
    for (int i = 0; i < count; i++) formula_slice(&slices[i], params + slices[i].offset);
    slices = nn_net_buffer_slices(net, &count);
    for (int i = 0; i < count; i++) formula_slice(&slices[i], buffers + slices[i].offset);
}

/* Next "name": [d, ...] of a flat JSON object of integer arrays; *at moves behind it. */
static inline bool formula_next_row(const char **at, char name[128], int *ndim, int64_t shape[8])
{
    const char *p = strchr(*at, '"');
    if (!p) return false;
    const char *end = strchr(p + 1, '"');
    snprintf(name, 128, "%.*s", (int)(end - p - 1), p + 1);
    for (*ndim = 0, p = strchr(end, '['); *p != ']';) {
        p++;
        if (isdigit((unsigned char)*p)) shape[(*ndim)++] = strtoll(p, (char **)(uintptr_t)&p, 10);
    }
    *at = p;
    return true;
}

/* Names, shapes and order of parameters as torchvision's state_dict has them (statistics have their own block). */
static inline void formula_check_names(const NnNet *net, const char *json)
{
    int counts[2], at[2] = {0, 0}, ndim;
    const NnSlice *const blocks[2] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    char name[128];
    int64_t shape[8];
    while (formula_next_row(&json, name, &ndim, shape)) {
        if (strstr(name, "num_batches_tracked")) continue;
        int b = strstr(name, "running_") ? 1 : 0;
        assert_true(at[b] < counts[b]);
        const NnSlice *slice = &blocks[b][at[b]++];
        assert_string_equal(slice->name, name);
        assert_int_equal(slice->ndim, ndim);
        assert_memory_equal(slice->shape, shape, (size_t)ndim * sizeof *shape);
    }
    assert_int_equal(at[0], counts[0]);
    assert_int_equal(at[1], counts[1]);
}

/* Logits of two images. float32 against PyTorch's float64: rounding grows with depth to about 1e-5 of the largest
 * logit. */
static inline void formula_check(const char *name, const char *group)
{
    IoHdf5 *file = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    const NnArch *arch = NULL;
    IoH5Info info;
    const int64_t own[3] = {1, 28, 28};
    char path[128], *json = NULL;
    float *x = NULL, *logits = NULL;
    assert_ok(io_hdf5_open(support_fixture("architectures.h5"), &file));
    snprintf(path, sizeof path, "%s/logits", group);
    assert_ok(io_hdf5_info(file, path, &info));
    double *want = support_read_f64(file, path, NULL);
    assert_ok(nn_arch_find(name, &arch));
    assert_ok(nn_arch_build(arch, own, info.shape[1], &net));
    assert_int_equal(nn_net_param_count(net), (int64_t)support_attr(file, group, "parameters"));
    assert_ok(io_hdf5_get_text(file, group, "state_dict", &json));
    formula_check_names(net, json);
    formula_fill(net);
    int64_t pixels = 2 * arch->C * arch->H * arch->W;
    assert_ok(BASE_ALLOC(pixels, &x));
    assert_ok(BASE_ALLOC(info.count, &logits));
    for (int64_t i = 0; i < pixels; i++) x[i] = (float)formula("input", i);
    assert_ok(nn_engine_create(net, NN_MODE_EVAL, NN_F32, 2, &engine));
    assert_ok(nn_engine_forward(engine, x, 2, 0, logits));
    double off = assert_close_f32(logits, want, info.count, 1e-4);
    print_message("%s: %.1e of the largest logit\n", name, off);
    nn_engine_free(engine);
    nn_net_free(net);
    base_free(x);
    base_free(logits);
    base_free(want);
    base_free(json);
    io_hdf5_close(file);
}

#endif
