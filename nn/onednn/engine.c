#include "nn/engine.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "nn/onednn/program.h"

struct NnEngine {
    NnNet *net;
    NnMode mode;
    NnPrecision precision;
    int64_t batch;
    uint8_t *keep; /* [layers]; NULL: every layer can be tapped */
    NnNode watch;  /* 0: none */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    NnProgram *full, *other; /* for the whole batch, and for the last other n */
    NnProgram *last;         /* of the two: what ran last; NULL: nothing yet */
};

static const char *const PRECISIONS[] = {"f32", "bf16"};

const char *nn_precision_name(NnPrecision precision) { return PRECISIONS[precision]; }

BaseStatus nn_precision_parse(const char *text, NnPrecision *out)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(text, PRECISIONS[i]) == 0) {
            *out = (NnPrecision)i;
            return BASE_OK;
        }
    return base_error_set(BASE_EUSAGE, "precision '%s': must be f32 or bf16", text);
}

NnPrecision nn_precision_available(NnPrecision wanted)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    bool has = (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
    if (wanted == NN_F32 || has) return wanted;
    base_notice("this CPU has no bf16 instructions: running in f32");
    return NN_F32;
}

BaseStatus nn_engine_create(NnNet *net, NnMode mode, NnPrecision precision, int64_t batch, NnEngine **out)
{
    BaseStatus st = BASE_OK;
    NnEngine *engine = NULL;
    *out = NULL;
    BASE_CHECK(batch >= 1 && batch <= INT32_MAX, BASE_EARG, "a batch of %lld images: 1 to %d", (long long)batch,
               INT32_MAX);
    BASE_TRY(BASE_ALLOC(1, &engine));
    *engine = (NnEngine){.net = net, .mode = mode, .precision = precision, .batch = batch};
    NN_DNNL(dnnl_engine_create(&engine->engine, dnnl_cpu, 0), "the engine", "the network");
    NN_DNNL(dnnl_stream_create(&engine->stream, engine->engine, dnnl_stream_default_flags), "the stream",
            "the network");
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
    if (engine->stream) dnnl_stream_destroy(engine->stream);
    if (engine->engine) dnnl_engine_destroy(engine->engine);
    base_free(engine->keep);
    base_free(engine);
}

BaseStatus nn_engine_keep(NnEngine *engine, const uint8_t *keep)
{
    BaseStatus st = BASE_OK;
    int count;
    nn_net_layers(engine->net, &count);
    BASE_CHECK(engine->mode == NN_MODE_EVAL && !engine->full && !engine->other && !engine->keep, BASE_EARG,
               "what to keep is said once, to an engine in plain eval mode, before its first forward pass");
    BASE_TRY(BASE_ALLOC(count, &engine->keep));
    if (keep) memcpy(engine->keep, keep, (size_t)count);
out:
    return st;
}

BaseStatus nn_engine_watch(NnEngine *engine, int64_t side, int64_t shape[3])
{
    BaseStatus st = BASE_OK;
    const NnGraph *graph = nn_net_graph(engine->net);
    BASE_CHECK(engine->mode != NN_MODE_EVAL && !engine->full && !engine->other, BASE_EARG,
               "what to watch is said to an engine with a backward pass, before its first forward pass");
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
    if (*slot && (*slot)->n != n) {
        nn_program_free(*slot);
        *slot = NULL;
    }
    if (!*slot)
        st = nn_program_create(engine->net, engine->mode, engine->precision, n, engine->keep, engine->watch,
                               engine->engine, slot);
    *out = *slot;
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
    BASE_CHECK(n >= 1 && n <= engine->batch, BASE_EARG, "%lld images at once: 1 to %lld", (long long)n,
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
        BASE_TRY(nn_program_run(p, &p->load, engine->stream));
        p->version = nn_net_version(engine->net);
    }
    memcpy(p->state[0].value.buf->data, x, dnnl_memory_desc_get_size(&p->state[0].value.md));
    p->dropout_key = dropout_key;
    BASE_TRY(nn_program_run(p, &p->forward, engine->stream));
    if (engine->mode == NN_MODE_TRAIN) {
        ++*nn_net_batches_tracked(engine->net);
        p->version = nn_net_version(engine->net); /* only running statistics moved; no copy holds those here */
    }
    int64_t count = n * nn_net_classes(engine->net);
    memcpy(logits, p->logits.buf->data, (size_t)count * sizeof *logits);
    BASE_CHECK(all_finite(logits, count), BASE_ENUMERIC, "a logit is not finite: values overflow within the network");
    engine->last = p;
out:
    return st;
}

/* A map in whatever layout, as @p type and @p tag. */
static BaseStatus read_map(NnEngine *engine, const NnTensor *value, const char *name, dnnl_data_type_t type,
                           dnnl_format_tag_t tag, void *out)
{
    BaseStatus st = BASE_OK;
    dnnl_engine_t on = engine->engine;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t to = NULL;
    dnnl_memory_desc_t plain = nn_md(type, tag, 4, value->md.dims);
    NN_DNNL(dnnl_reorder_primitive_desc_create(&pd, &value->md, on, &plain, on, NULL), "the map", name);
    NN_DNNL(dnnl_primitive_create(&reorder, pd), "the map", name);
    NN_DNNL(dnnl_memory_create(&to, &plain, on, out), "the map", name);
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, value->mem}, {DNNL_ARG_TO, to}};
    NN_DNNL(dnnl_primitive_execute(reorder, engine->stream, 2, args), "the map", name);
    NN_DNNL(dnnl_stream_wait(engine->stream), "the map", name);
out:
    if (to) dnnl_memory_destroy(to);
    if (reorder) dnnl_primitive_destroy(reorder);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

static BaseStatus tap(NnEngine *engine, int layer, dnnl_data_type_t type, dnnl_format_tag_t tag, void *out)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(engine->net, &count);
    NnProgram *p = engine->last;
    BASE_CHECK(layer >= 0 && layer < count, BASE_EARG, "layer %d: 0 to %d", layer, count - 1);
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
    memcpy(p->dlogits.buf->data, dlogits, dnnl_memory_desc_get_size(&p->dlogits.md));
    BASE_TRY(nn_program_run(p, &p->backward, engine->stream));
    BASE_CHECK(all_finite(grads, nn_net_param_count(engine->net)), BASE_ENUMERIC,
               "a gradient is not finite: the loss diverged");
out:
    return st;
}

BaseStatus nn_engine_input_gradient(NnEngine *engine, float *out)
{
    BaseStatus st = BASE_OK;
    NnProgram *p = engine->last;
    BASE_CHECK(engine->mode == NN_MODE_EVAL_INPUT, BASE_EARG, "this engine's mode has no gradient of the input");
    BASE_CHECK(p && p->grads, BASE_EARG, "the input's gradient without a backward pass before it");
    size_t bytes = dnnl_memory_desc_get_size(&p->dinput.md);
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
    size_t bytes = dnnl_memory_desc_get_size(&p->dwatch.md);
    memcpy(gradient, p->dwatch.buf->data, bytes);
    BASE_CHECK(all_finite(gradient, (int64_t)(bytes / sizeof *gradient)), BASE_ENUMERIC,
               "the watched map's gradient is not finite");
out:
    return st;
}
