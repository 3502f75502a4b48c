/* nn/weights.c - tensors and slices matched by name through an index; all mismatches become one explained line. */
#include "nn/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/kernels/windows.h"

enum { LISTED = 5, NAME_SIZE = 256, HINTS = 1000 };
static const char TRACKED[] = ".num_batches_tracked";
static const char TABLE[] = "_bias_table", INDEX[] = "_index"; /* of relative positions: nn/kernels/windows.h */

/* One list of the mismatch report: "missing: a, b and 3 more". */
typedef struct {
    const char *title;
    int count;
    BaseText text;
} List;

static void list_add(List *list, const char *name, const char *hint)
{
    if (list->count++ < LISTED)
        base_text_add(&list->text, "%s%s%s", list->count > 1 ? ", " : "", name, hint ? hint : "");
}

/* "bn1.running_var" -> "bn1.num_batches_tracked" */
static void tracked_name(const char *mean_or_variance, char out[NAME_SIZE])
{
    const char *dot = strrchr(mean_or_variance, '.');
    snprintf(out, NAME_SIZE, "%.*s%s", (int)(dot - mean_or_variance), mean_or_variance, TRACKED);
}

/* "attn.relative_position_bias_table" -> "attn.relative_position_index", what torchvision writes beside it; false: the
 * table is called something else. */
static bool index_name(const char *table, char out[NAME_SIZE])
{
    size_t size = strlen(table), end = strlen(TABLE);
    if (size < end || size >= NAME_SIZE || strcmp(table + size - end, TABLE) != 0) return false;
    snprintf(out, NAME_SIZE, "%.*s%s", (int)(size - end), table, INDEX);
    return true;
}

static int64_t window_of(const NnSlice *table)
{
    int64_t window = 1;
    while ((2 * window - 1) * (2 * window - 1) < table->shape[0]) window++;
    return window;
}

/* Owned: [window^4], which row of the table serves each pair of a window's pixels. */
static BaseStatus index_values(const NnSlice *table, int64_t *count, int64_t **out)
{
    int64_t window = window_of(table);
    *count = window * window * window * window;
    BaseStatus st = BASE_ALLOC_RAW(*count, out);
    if (st == BASE_OK) nn_windows_index(window, *out);
    return st;
}

static void shape_text(char out[NAME_SIZE], int ndim, const int64_t *shape)
{
    size_t used = (size_t)snprintf(out, NAME_SIZE, "[");
    for (int d = 0; d < ndim && used < NAME_SIZE - 32; d++)
        used += (size_t)snprintf(out + used, NAME_SIZE - used, "%s%lld", d ? ", " : "", (long long)shape[d]);
    snprintf(out + used, NAME_SIZE - used, "]");
}

/* Names to tensors, as io_tensors_find finds them: a file may hold many, and every architecture asks for all of its
 * own. */
static BaseStatus index_tensors(const IoTensors *tensors, BaseIndex *out)
{
    BaseStatus st = BASE_OK;
    size_t old;
    for (size_t i = 0; i < tensors->count; i++) BASE_TRY(base_index_add(out, tensors->items[i].name, i, &old));
    for (size_t i = 0; i < tensors->count; i++)
        if (tensors->items[i].alias) BASE_TRY(base_index_add(out, tensors->items[i].alias, i, &old));
out:
    return st;
}

/* The tensors that hold one slice, one after the other: itself, or the parts that others split it into (nn/naming.h). */
enum { PARTS = 3, MARK = 3 /* ":0:" */ };
typedef struct {
    IoTensor *at[PARTS];
    int count; /* 0: it is not there */
} Parts;

static IoTensor *find_one(const IoTensors *tensors, const BaseIndex *index, const char *name)
{
    if (!index) return io_tensors_find(tensors, name);
    size_t at = base_index_find(index, name);
    return at == SIZE_MAX ? NULL : &tensors->items[at];
}

/* @p index NULL: the list is searched. */
static Parts find(const IoTensors *tensors, const BaseIndex *index, const char *name)
{
    Parts parts = {{find_one(tensors, index, name)}, 1};
    char part[NAME_SIZE];
    if (parts.at[0]) return parts;
    for (parts.count = 0; parts.count < PARTS; parts.count++) {
        snprintf(part, sizeof part, ":%d:%s", parts.count, name);
        parts.at[parts.count] = find_one(tensors, index, part);
        if (!parts.at[parts.count]) break;
    }
    return parts;
}

static const char *without_mark(const char *alias) { return alias[0] == ':' ? alias + MARK : alias; }

/* Axes but for those of length 1 at the end: a 1x1 convolution of one pixel is a linear layer, and timm's scales of channels are
 * vectors, torchvision's [C, 1, 1]. */
static int axes(int ndim, const int64_t *shape)
{
    while (ndim > 0 && shape[ndim - 1] == 1) ndim--;
    return ndim;
}

/* Parts follow each other along one dimension, before which all are 1, so that their numbers do so too. */
static bool same_shape(const NnSlice *slice, const Parts *parts)
{
    int64_t along = 0;
    int dim = 0;
    const IoTensor *first = parts->at[0];
    if (parts->count == 1) {
        int ndim = axes(slice->ndim, slice->shape);
        return ndim == axes(first->ndim, first->shape) &&
               (!ndim || memcmp(slice->shape, first->shape, (size_t)ndim * sizeof *slice->shape) == 0);
    }
    while (dim < slice->ndim - 1 && dim < first->ndim && slice->shape[dim] == 1 && first->shape[dim] == 1) dim++;
    for (int i = 0; i < parts->count; i++) {
        const IoTensor *t = parts->at[i];
        if (t->ndim != slice->ndim) return false;
        for (int d = 0; d < slice->ndim; d++)
            if (d != dim && t->shape[d] != slice->shape[d]) return false;
        along += slice->ndim ? t->shape[dim] : 0;
    }
    return !slice->ndim || along == slice->shape[dim];
}

/* All names that the network has a use for; @p tracked [buffers + parameters]: room for those of its counts and indices. */
static BaseStatus index_network(const NnNet *net, char (*tracked)[NAME_SIZE], BaseIndex *out)
{
    BaseStatus st = BASE_OK;
    int counts[2];
    size_t old;
    const NnSlice *const blocks[] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < counts[b]; i++) {
            const NnSlice *slice = &blocks[b][i];
            char *beside = tracked[b == 0 ? counts[1] + i : i];
            BASE_TRY(base_index_add(out, slice->name, 0, &old));
            if (slice->role == NN_RUNNING_MEAN)
                tracked_name(slice->name, beside);
            else if (slice->role != NN_POSITION_BIAS || !index_name(slice->name, beside))
                continue;
            BASE_TRY(base_index_add(out, beside, 0, &old));
        }
out:
    return st;
}

static void report_slices(const NnSlice *slices, int count, const IoTensors *tensors, const BaseIndex *index,
                          const char *const *foreign, size_t foreign_count, List *missing, List *shapes)
{
    for (int i = 0; i < count; i++) {
        const NnSlice *slice = &slices[i];
        const Parts parts = find(tensors, index, slice->name);
        const IoTensor *tensor = parts.at[0];
        char hint[3 * NAME_SIZE] = "", has[NAME_SIZE], wants[NAME_SIZE];
        for (int k = 1; k < parts.count; k++)
            if (!io_dtype_is_float(parts.at[k]->dtype)) tensor = parts.at[k];
        if (!parts.count) {
            const char *near = missing->count < LISTED ? base_text_nearest(slice->name, foreign, foreign_count) : NULL;
            if (near) snprintf(hint, sizeof hint, " (the file has %s)", near);
            list_add(missing, slice->name, hint);
        } else if (!io_dtype_is_float(tensor->dtype)) {
            snprintf(hint, sizeof hint, " (%s in the file, a float type is needed)", io_dtype_name(tensor->dtype));
            list_add(shapes, slice->name, hint);
        } else if (!same_shape(slice, &parts)) {
            shape_text(has, tensor->ndim, tensor->shape);
            shape_text(wants, slice->ndim, slice->shape);
            snprintf(hint, sizeof hint, " (%s%s in the file, %s in the network)", has,
                     parts.count > 1 ? " and its other parts" : "", wants);
            list_add(shapes, slice->name, hint);
        }
    }
}

/* Why a network of this kind may be under other names, with the cure; the first of @p foreign that shows one decides.
 */
static const char *likely_cause(const char *const *foreign, size_t count)
{
    static const struct {
        const char *mark, *cause;
    } CAUSES[] = {
        {"_mask", "it is pruned: make that permanent with torch.nn.utils.prune.remove(layer, 'weight') and save again"},
        {"_g", "its weights are normalised: call torch.nn.utils.remove_weight_norm(layer) and save again"},
        {".parametrizations.", "its weights are computed from others: call "
                               "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') and save again"},
    };
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < sizeof CAUSES / sizeof *CAUSES; c++) {
            const char *found = strstr(foreign[i], CAUSES[c].mark);
            if (found && (*CAUSES[c].mark == '.' || !found[strlen(CAUSES[c].mark)])) return CAUSES[c].cause;
        }
    return "another architecture or class count?";
}

/* BASE_OK where every tensor has its slice and every slice its tensor, else the whole mismatch in one line. */
BaseStatus nn_weights_fit(const NnNet *net, const IoTensors *tensors, const char *where)
{
    BaseStatus st = BASE_OK;
    List lists[] = {{.title = "missing"}, {.title = "unexpected"}, {.title = "of another shape"}};
    BaseText all = {0};
    const char **foreign = NULL; /* names in the file that the network does not have, the first HINTS */
    char(*tracked)[NAME_SIZE] = NULL;
    BaseIndex own = {0}, index = {0};
    size_t foreign_count = 0;
    int count, params;
    nn_net_buffer_slices(net, &count);
    nn_net_param_slices(net, &params);
    BASE_TRY(BASE_ALLOC(count + params, &tracked));
    BASE_TRY(BASE_ALLOC(HINTS, &foreign));
    BASE_TRY(index_network(net, tracked, &own));
    BASE_TRY(index_tensors(tensors, &index));
    for (size_t i = 0; i < tensors->count; i++) {
        const IoTensor *tensor = &tensors->items[i];
        if (tensor->aside || !tensor->count) continue; /* nothing that an image could pass through */
        if (base_index_find(&own, tensor->name) != SIZE_MAX) continue;
        if (tensor->alias && base_index_find(&own, without_mark(tensor->alias)) != SIZE_MAX) continue;
        if (foreign_count < HINTS) foreign[foreign_count++] = tensor->name;
        list_add(&lists[1], tensor->name, NULL);
    }
    const NnSlice *slices = nn_net_param_slices(net, &count);
    report_slices(slices, count, tensors, &index, foreign, foreign_count, &lists[0], &lists[2]);
    slices = nn_net_buffer_slices(net, &count);
    report_slices(slices, count, tensors, &index, foreign, foreign_count, &lists[0], &lists[2]);
    for (int i = 0; i < 3; i++) {
        if (!lists[i].count) continue;
        BASE_TRY(lists[i].text.st);
        base_text_add(&all, "; %s: %s", lists[i].title, lists[i].text.data);
        if (lists[i].count > LISTED) base_text_add(&all, " and %d more", lists[i].count - LISTED);
    }
    BASE_TRY(all.st);
    BASE_CHECK(!all.size, BASE_ESHAPE, "%s does not fit the network (%s)%s", where,
               likely_cause(foreign, foreign_count), all.data);
out:
    for (int i = 0; i < 3; i++) base_text_free(&lists[i].text);
    base_text_free(&all);
    base_index_free(&own);
    base_index_free(&index);
    base_free(tracked);
    base_free(foreign);
    return st;
}

static int count_fitting(const NnSlice *slices, int count, const IoTensors *tensors, const BaseIndex *index)
{
    int fitting = 0;
    for (int i = 0; i < count; i++) {
        const Parts parts = find(tensors, index, slices[i].name);
        fitting += parts.count && same_shape(&slices[i], &parts);
    }
    return fitting;
}

BaseStatus nn_weights_named(const NnNet *net, const IoTensors *tensors, bool *out)
{
    BaseStatus st = BASE_OK;
    int counts[2];
    const NnSlice *const blocks[] = {nn_net_param_slices(net, &counts[0]), nn_net_buffer_slices(net, &counts[1])};
    BaseIndex index = {0};
    *out = true;
    BASE_TRY(index_tensors(tensors, &index));
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < counts[b]; i++) *out = *out && find(tensors, &index, blocks[b][i].name).count;
out:
    base_index_free(&index);
    return st;
}

BaseStatus nn_weights_share(const NnNet *net, const IoTensors *tensors, double *out)
{
    BaseStatus st = BASE_OK;
    int params, buffers;
    const NnSlice *p = nn_net_param_slices(net, &params), *b = nn_net_buffer_slices(net, &buffers);
    BaseIndex index = {0};
    BASE_TRY(index_tensors(tensors, &index));
    *out = (double)(count_fitting(p, params, tensors, &index) + count_fitting(b, buffers, tensors, &index)) /
           (params + buffers);
out:
    base_index_free(&index);
    return st;
}

/* What is not there (only nn_weights_load_part comes here so) stays as it is. */
static BaseStatus read_slices(const NnSlice *slices, int count, const IoTensors *tensors, const char *where, float *out)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < count; i++) {
        const NnSlice *slice = &slices[i];
        const Parts parts = find(tensors, NULL, slice->name);
        float *to = out + slice->offset, *part = to;
        for (int k = 0; k < parts.count; part += parts.at[k++]->count) BASE_TRY(io_tensor_to_f32(parts.at[k], part));
        if (!parts.count) continue;
        for (int64_t j = 0; j < slice->count; j++) {
            BASE_CHECK(isfinite(to[j]), BASE_EFORMAT, "%s: tensor %s holds %g at element %lld: weights must be finite",
                       where, slice->name, (double)to[j], (long long)j);
            BASE_CHECK(slice->role != NN_RUNNING_VAR || to[j] >= 0, BASE_EFORMAT,
                       "%s: tensor %s holds %g at element %lld: a variance cannot be negative", where, slice->name,
                       (double)to[j], (long long)j);
        }
    }
out:
    return st;
}

static int64_t read_tracked(const NnSlice *buffers, int count, const IoTensors *tensors)
{
    for (int i = 0; i < count; i++) {
        char name[NAME_SIZE];
        tracked_name(buffers[i].name, name);
        const IoTensor *tensor = io_tensors_find(tensors, name);
        int64_t value = 0;
        if (!tensor || tensor->dtype != IO_I64 || tensor->count != 1) continue;
        memcpy(&value, tensor->data, sizeof value);
        return value;
    }
    return 0;
}

/* An index of relative positions must be the one that windows have. */
static BaseStatus check_index(const NnSlice *table, const IoTensors *tensors, const char *where)
{
    BaseStatus st = BASE_OK;
    char name[NAME_SIZE];
    int64_t *values = NULL, count;
    const IoTensor *tensor = index_name(table->name, name) ? io_tensors_find(tensors, name) : NULL;
    if (!tensor) goto out;
    BASE_TRY(index_values(table, &count, &values));
    BASE_CHECK(tensor->dtype == IO_I64 && tensor->count == count &&
                   memcmp(tensor->data, values, (size_t)count * sizeof *values) == 0,
               BASE_EFORMAT, "%s: tensor %s is not the index of %lldx%lld windows that goes with its table", where,
               name, (long long)window_of(table), (long long)window_of(table));
out:
    base_free(values);
    return st;
}

static BaseStatus load(NnNet *net, const IoTensors *tensors, const char *where)
{
    BaseStatus st = BASE_OK;
    float *params = NULL, *buffers = NULL; /* all or nothing: a refused file leaves the network as it was */
    int param_slices, buffer_slices;
    const NnSlice *p = nn_net_param_slices(net, &param_slices), *b = nn_net_buffer_slices(net, &buffer_slices);
    size_t param_count = (size_t)nn_net_param_count(net), buffer_count = (size_t)nn_net_buffer_count(net);
    BASE_TRY(BASE_ALLOC_RAW(param_count, &params));
    BASE_TRY(BASE_ALLOC_RAW(buffer_count, &buffers));
    memcpy(params, nn_net_params(net), param_count * sizeof *params);
    memcpy(buffers, nn_net_buffers(net), buffer_count * sizeof *buffers);
    for (int i = 0; i < param_slices; i++)
        if (p[i].role == NN_POSITION_BIAS) BASE_TRY(check_index(&p[i], tensors, where));
    BASE_TRY(read_slices(p, param_slices, tensors, where, params));
    BASE_TRY(read_slices(b, buffer_slices, tensors, where, buffers));
    memcpy(nn_net_edit_params(net), params, param_count * sizeof *params);
    memcpy(nn_net_edit_buffers(net), buffers, buffer_count * sizeof *buffers);
    *nn_net_batches_tracked(net) = read_tracked(b, buffer_slices, tensors);
out:
    base_free(params);
    base_free(buffers);
    return st;
}

BaseStatus nn_weights_load(NnNet *net, const IoTensors *tensors, const char *where)
{
    BaseStatus st = nn_weights_fit(net, tensors, where);
    if (st == BASE_OK) st = load(net, tensors, where);
    if (st == BASE_OK) nn_net_set_prefix(net, tensors->prefix);
    return st;
}

BaseStatus nn_weights_read(NnNet *net, const char *path)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    BASE_TRY(io_tensors_read(path, &tensors));
    BASE_TRY(nn_weights_load(net, tensors, path));
out:
    io_tensors_free(tensors);
    return st;
}

static BaseStatus check_part(const NnSlice *slices, int count, const IoTensors *tensors, const char *where)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < count; i++) {
        const Parts parts = find(tensors, NULL, slices[i].name);
        BASE_CHECK(!parts.count || same_shape(&slices[i], &parts), BASE_ESHAPE,
                   "%s: tensor %s does not have the network's shape", where, slices[i].name);
    }
out:
    return st;
}

BaseStatus nn_weights_load_part(NnNet *net, const IoTensors *tensors, const char *where)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    BASE_TRY(check_part(slices, count, tensors, where));
    slices = nn_net_buffer_slices(net, &count);
    BASE_TRY(check_part(slices, count, tensors, where));
    BASE_TRY(load(net, tensors, where));
out:
    return st;
}

static BaseStatus export_index(const NnSlice *table, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    char name[NAME_SIZE];
    int64_t *values = NULL, count;
    if (!index_name(table->name, name)) goto out;
    BASE_TRY(index_values(table, &count, &values));
    BASE_TRY(io_tensors_add(tensors, name, IO_I64, 1, &count, values));
out:
    base_free(values);
    return st;
}

BaseStatus nn_weights_export(NnNet *net, IoTensors **out)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    int param_slices, buffer_slices, b = 0;
    const NnSlice *p = nn_net_param_slices(net, &param_slices), *buffers = nn_net_buffer_slices(net, &buffer_slices);
    *out = NULL;
    BASE_TRY(io_tensors_create(&tensors));
    for (int i = 0; i < param_slices; i++) {
        BASE_TRY(io_tensors_add(tensors, p[i].name, IO_F32, p[i].ndim, p[i].shape, nn_net_params(net) + p[i].offset));
        if (p[i].role == NN_POSITION_BIAS) BASE_TRY(export_index(&p[i], tensors));
        if (p[i].role != NN_NORM_BIAS) continue;
        size_t stem = strlen(p[i].name) - strlen("bias");
        if (b == buffer_slices || strncmp(p[i].name, buffers[b].name, stem) != 0) continue; /* a layer norm has none */
        for (int end = b + 2; b < end && b < buffer_slices; b++) /* a norm's statistics follow its bias */
            BASE_TRY(io_tensors_add(tensors, buffers[b].name, IO_F32, buffers[b].ndim, buffers[b].shape,
                                    nn_net_buffers(net) + buffers[b].offset));
        char name[NAME_SIZE];
        tracked_name(p[i].name, name);
        BASE_TRY(io_tensors_add(tensors, name, IO_I64, 0, NULL, nn_net_batches_tracked(net)));
    }
    *out = tensors;
    tensors = NULL;
out:
    io_tensors_free(tensors);
    return st;
}

static BaseStatus update_slices(const NnSlice *slices, int count, const float *values, bool part, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    float *old = NULL;
    for (int i = 0; i < count; i++) {
        const NnSlice *slice = &slices[i];
        const float *now = values + slice->offset;
        const Parts parts = find(tensors, NULL, slice->name);
        int64_t held = 0;
        for (int k = 0; k < parts.count; k++) held += parts.at[k]->count;
        if (!parts.count && part) continue;
        BASE_CHECK(held == slice->count, BASE_ESHAPE,
                   "cannot write %s back: the checkpoint does not have it with %lld elements", slice->name,
                   (long long)slice->count);
        BASE_TRY(BASE_ALLOC_RAW(slice->count, &old));
        for (int k = 0; k < parts.count; now += parts.at[k++]->count) {
            BASE_TRY(io_tensor_to_f32(parts.at[k], old));
            size_t bytes = (size_t)parts.at[k]->count * sizeof *now;
            if (memcmp(old, now, bytes)) BASE_TRY(io_tensor_from_f32(parts.at[k], now));
        }
        base_free(old);
        old = NULL;
    }
out:
    base_free(old);
    return st;
}

static BaseStatus update(const NnNet *net, bool part, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    BASE_TRY(update_slices(slices, count, nn_net_params(net), part, tensors));
    slices = nn_net_buffer_slices(net, &count);
    BASE_TRY(update_slices(slices, count, nn_net_buffers(net), part, tensors));
out:
    return st;
}

BaseStatus nn_weights_update(const NnNet *net, IoTensors *tensors) { return update(net, false, tensors); }
BaseStatus nn_weights_update_part(const NnNet *net, IoTensors *tensors) { return update(net, true, tensors); }
