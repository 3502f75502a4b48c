/* nn/onednn/engine.c - two programs are kept, for the whole batch and for the last other size. */
#include "nn/backend.h"

#include <string.h>

#include "base/memory.h"
#include "nn/onednn/compile.h"

struct NnEngine {
    NnNet *net;
    NnMode mode;
    NnPrecision precision;
    int64_t batch;
    uint8_t *keep; /* [layers]; NULL: every layer can be tapped */
    NnTake take;   /* not NULL: what is kept is handed over in place of that */
    void *user;
    bool whole;   /* the forward pass goes on to the logits */
    NnNode watch; /* 0: none */
    NnDevice device;
    NnProgram *full, *other; /* for the whole batch, and for the last other n; one of them where storage serves again */
    const NnTaken *now;      /* what is being handed over */
    NnProgram *last;         /* of the two: what ran last; NULL: nothing yet */
};

BaseStatus nn_engine_create(NnNet *net, NnMode mode, NnPrecision precision, int64_t batch, NnEngine **out)
{
    BaseStatus st = BASE_OK;
    NnEngine *engine = NULL;
    *out = NULL;
    BASE_CHECK(batch >= 1 && batch <= INT32_MAX, BASE_EARG, "a batch of %lld images: must be 1 to %d", (long long)batch,
               INT32_MAX);
    BASE_TRY(BASE_ALLOC(1, &engine));
    *engine = (NnEngine){.net = net, .mode = mode, .precision = precision, .batch = batch};
    BASE_TRY(nn_device_open(&engine->device));
    *out = engine;
    engine = NULL;
out:
    nn_engine_free(engine);
    return st;
}

void nn_engine_free(NnEngine *engine)
{
    if (!engine) return;
    nn_program_free(engine->full);
    nn_program_free(engine->other);
    nn_device_close(&engine->device);
    base_free(engine->keep);
    base_free(engine);
}

BaseStatus nn_engine_keep(NnEngine *engine, const uint8_t *keep)
{
    BaseStatus st = BASE_OK;
    int count;
    nn_net_layers(engine->net, &count);
    BASE_CHECK(engine->mode == NN_MODE_EVAL && !engine->full && !engine->other && !engine->keep, BASE_EARG,
               "what to keep can be set only once, on an engine in plain eval mode, before its first forward pass");
    BASE_TRY(BASE_ALLOC(count, &engine->keep));
    if (keep) memcpy(engine->keep, keep, (size_t)count);
out:
    return st;
}

BaseStatus nn_engine_take(NnEngine *engine, const uint8_t *layers, bool whole, NnTake take, void *user)
{
    BaseStatus st = nn_engine_keep(engine, layers);
    if (st != BASE_OK) return st;
    engine->whole = whole;
    engine->take = take;
    engine->user = user;
    return BASE_OK;
}

BaseStatus nn_engine_watch(NnEngine *engine, int64_t side, int64_t shape[3])
{
    BaseStatus st = BASE_OK;
    const NnGraph *graph = nn_net_graph(engine->net);
    BASE_CHECK(engine->mode != NN_MODE_EVAL && !engine->full && !engine->other, BASE_EARG,
               "what to watch can be set only on an engine with a backward pass, before its first forward pass");
    NnNode at = nn_net_output(engine->net);
    while (at > 0 && (nn_graph_node(graph, at)->kind != NN_NODE_RELU || nn_graph_node(graph, at)->H < side ||
                      nn_graph_node(graph, at)->W < side))
        at--;
    BASE_CHECK(at > 0, BASE_EUSAGE, "this network has no map of %lld x %lld places behind a ReLU", (long long)side,
               (long long)side);
    engine->watch = at;
    nn_node_shape(graph, at, shape);
out:
    return st;
}

static BaseStatus program_for(NnEngine *engine, int64_t n, NnProgram **out)
{
    NnProgram **slot = n == engine->batch ? &engine->full : &engine->other;
    BaseStatus st = BASE_OK;
    NnProgram **beside = slot == &engine->full ? &engine->other : &engine->full;
    if (engine->keep && *beside) { /* its weights and values would be there twice, for a last batch */
        nn_program_free(*beside);
        *beside = NULL;
    }
    if (*slot && (*slot)->n != n) {
        nn_program_free(*slot);
        *slot = NULL;
    }
    if (!*slot)
        st = nn_compile(engine->net, engine->mode, engine->precision, n, engine->keep, engine->take != NULL,
                        engine->watch, engine->device.engine, slot);
    *out = *slot;
    return st;
}

BaseStatus nn_engine_bytes(NnEngine *engine, int64_t n, int64_t *out)
{
    BaseStatus st = BASE_OK;
    NnProgram *p;
    *out = 0;
    BASE_CHECK(n >= 1 && n <= engine->batch, BASE_EARG, "%lld images at once: must be 1 to %lld", (long long)n,
               (long long)engine->batch);
    engine->last = NULL;
    BASE_TRY(program_for(engine, n, &p));
    for (int i = 0; i < p->buf_count; i++) *out += (int64_t)p->bufs[i]->bytes;
out:
    return st;
}

/* The forward pass in parts, between which inputs of layers are handed over. */
static BaseStatus run_forward(NnEngine *engine, NnProgram *p)
{
    BaseStatus st = BASE_OK;
    int at = 0, end = p->forward.count;
    for (int i = 0; i < p->taken_count; i++) {
        const NnSteps part = {.items = p->forward.items + at, .count = p->taken[i].step - at};
        at = p->taken[i].step;
        BASE_TRY(nn_program_run(p, &part, engine->device.stream));
        engine->now = p->taken + i;
        BASE_TRY(engine->take(engine->user, engine->now->layer));
    }
    if (engine->take && !engine->whole) goto out;
    const NnSteps rest = {.items = p->forward.items + at, .count = end - at};
    BASE_TRY(nn_program_run(p, &rest, engine->device.stream));
out:
    engine->now = NULL;
    return st;
}

/* One pass: x - x is 0 only for finite x, and a sum of such terms is 0 or NaN. */
static bool all_finite(const float *x, int64_t count)
{
    float sum = 0;
#pragma omp parallel for simd reduction(+ : sum) schedule(static)
    for (int64_t i = 0; i < count; i++) sum += x[i] - x[i];
    return sum == 0;
}

BaseStatus nn_engine_forward(NnEngine *engine, const float *x, int64_t n, uint64_t dropout_key, float *logits)
{
    BaseStatus st = BASE_OK;
    NnProgram *p;
    engine->last = NULL;
    BASE_CHECK(n >= 1 && n <= engine->batch, BASE_EARG, "%lld images at once: must be 1 to %lld", (long long)n,
               (long long)engine->batch);
    BASE_TRY(program_for(engine, n, &p));
    /* looked for here, since a ReLU or a maximum may swallow a NaN on its way to the logits */
    BASE_CHECK(
        all_finite(x, n * p->state[0].value.md.dims[1] * p->state[0].value.md.dims[2] * p->state[0].value.md.dims[3]),
        BASE_ENUMERIC, "the input holds NaN or Inf");
    if (p->version != nn_net_version(engine->net)) {
        p->version = 0;
        BASE_CHECK(all_finite(nn_net_params(engine->net), nn_net_param_count(engine->net)), BASE_ENUMERIC,
                   "the network's parameters hold NaN or Inf");
        BASE_CHECK(all_finite(nn_net_buffers(engine->net), nn_net_buffer_count(engine->net)), BASE_ENUMERIC,
                   "the network's running statistics hold NaN or Inf");
        BASE_TRY(nn_program_run(p, &p->load, engine->device.stream));
        p->version = nn_net_version(engine->net);
    }
    memcpy(p->state[0].value.buf->data, x, nn_md_bytes(&p->state[0].value.md));
    p->dropout_key = dropout_key;
    BASE_TRY(run_forward(engine, p));
    if (engine->take && !engine->whole) goto out;
    if (p->mode == NN_MODE_TRAIN) {
        ++*nn_net_batches_tracked(engine->net);
        p->version = nn_net_version(engine->net); /* only running statistics moved; no copy holds those here */
    }
    int64_t count = n * nn_net_classes(engine->net);
    memcpy(logits, p->logits.buf->data, (size_t)count * sizeof *logits);
    BASE_CHECK(all_finite(logits, count), BASE_ENUMERIC, "a logit is not finite: values overflow within the network");
    engine->last = engine->take ? NULL : p;
out:
    return st;
}

/* A map in whatever layout, as @p type and @p tag. */
static BaseStatus read_map(NnEngine *engine, const NnTensor *value, const char *name, dnnl_data_type_t type,
                           dnnl_format_tag_t tag, void *out)
{
    BaseStatus st = BASE_OK;
    NnKit kit = {.engine = engine->device.engine};
    const_dnnl_primitive_desc_t pd;
    dnnl_primitive_t reorder;
    dnnl_memory_t to;
    NnMd plain = nn_md(&kit, type, tag, 4, value->md.dims);
    BASE_TRY(nn_kit_reorder(&kit, &value->md, &plain, name, &pd));
    BASE_TRY(nn_kit_primitive(&kit, pd, name, &reorder));
    BASE_TRY(nn_kit_memory(&kit, &plain, out, &to));
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, value->mem}, {DNNL_ARG_TO, to}};
    NN_DNNL(dnnl_primitive_execute(reorder, engine->device.stream, 2, args), "the map", name);
    NN_DNNL(dnnl_stream_wait(engine->device.stream), "the map", name);
out:
    nn_kit_clear(&kit);
    return st;
}

static BaseStatus tap(NnEngine *engine, int layer, dnnl_data_type_t type, dnnl_format_tag_t tag, void *out)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(engine->net, &count);
    NnProgram *p = engine->last;
    BASE_CHECK(layer >= 0 && layer < count, BASE_EARG, "layer %d: must be from 0 to %d", layer, count - 1);
    if (engine->take) {
        BASE_CHECK(engine->now && engine->now->layer == layer, BASE_EARG, "input of %s: this is not its turn",
                   layers[layer].name);
        return read_map(engine, &engine->now->value, layers[layer].name, type, tag, out);
    }
    BASE_CHECK(p, BASE_EARG, "input of %s: no forward pass has run", layers[layer].name);
    int node = 0;
    while (nn_prog_node(p, node)->layer != layer) node++;
    const NnTensor *value = &p->state[nn_prog_node(p, node)->in[0]].value;
    BASE_CHECK(value->mem, BASE_EARG, "input of %s: the engine was told not to keep it", layers[layer].name);
    st = read_map(engine, value, layers[layer].name, type, tag, out);
out:
    return st;
}

BaseStatus nn_engine_tap(NnEngine *engine, int layer, float *out)
{
    return tap(engine, layer, dnnl_f32, dnnl_nchw, out);
}

BaseStatus nn_engine_tap_pixels(NnEngine *engine, int layer, NnPrecision as, void *out)
{
    return tap(engine, layer, as == NN_BF16 ? dnnl_bf16 : dnnl_f32, dnnl_nhwc, out);
}

BaseStatus nn_engine_backward(NnEngine *engine, const float *dlogits, float *grads)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = engine->last;
    BASE_CHECK(engine->mode != NN_MODE_EVAL, BASE_EARG, "an engine in plain eval mode has no backward pass");
    BASE_CHECK(p, BASE_EARG, "a backward pass without a forward pass before it");
    for (int i = 0; i < p->grad_count; i++)
        NN_DNNL(dnnl_memory_set_data_handle(p->grad_views[i].mem, grads + p->grad_views[i].offset), "gradients",
                "the network");
    p->grads = grads;
    memcpy(p->dlogits.buf->data, dlogits, nn_md_bytes(&p->dlogits.md));
    BASE_TRY(nn_program_run(p, &p->backward, engine->device.stream));
    BASE_CHECK(all_finite(grads, nn_net_param_count(engine->net)), BASE_ENUMERIC,
               "a gradient is not finite: the loss diverged");
out:
    return st;
}

BaseStatus nn_engine_input_gradient(NnEngine *engine, float *out)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = engine->last;
    BASE_CHECK(engine->mode == NN_MODE_EVAL_INPUT || engine->mode == NN_MODE_TRAIN_INPUT, BASE_EARG,
               "this engine's mode has no gradient of the input");
    BASE_CHECK(p && p->grads, BASE_EARG, "the input's gradient without a backward pass before it");
    size_t bytes = nn_md_bytes(&p->dinput.md);
    memcpy(out, p->dinput.buf->data, bytes);
    BASE_CHECK(all_finite(out, (int64_t)(bytes / sizeof *out)), BASE_ENUMERIC, "the input's gradient is not finite");
out:
    return st;
}

BaseStatus nn_engine_watched(NnEngine *engine, float *map, float *gradient)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = engine->last;
    BASE_CHECK(engine->watch > 0, BASE_EARG, "this engine watches no map");
    BASE_CHECK(p && p->grads, BASE_EARG, "the watched map's gradient without a backward pass before it");
    BASE_TRY(read_map(engine, &p->state[engine->watch].value, "the watched map", dnnl_f32, dnnl_nchw, map));
    size_t bytes = nn_md_bytes(&p->dwatch.md);
    memcpy(gradient, p->dwatch.buf->data, bytes);
    BASE_CHECK(all_finite(gradient, (int64_t)(bytes / sizeof *gradient)), BASE_ENUMERIC,
               "the watched map's gradient is not finite");
out:
    return st;
}
