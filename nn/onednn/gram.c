#include "nn/gram.h"

#include "base/memory.h"
#include "nn/onednn/program.h"

struct NnGram {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr; /* the product is added to what is there */
};

static const char WHO[] = "a bf16 product";

BaseStatus nn_gram_create(NnGram **out)
{
    BaseStatus st = BASE_OK;
    NnGram *gram = NULL;
    dnnl_post_ops_t ops = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &gram));
    NN_DNNL(dnnl_engine_create(&gram->engine, dnnl_cpu, 0), "the engine", WHO);
    NN_DNNL(dnnl_stream_create(&gram->stream, gram->engine, dnnl_stream_default_flags), "the stream", WHO);
    NN_DNNL(dnnl_primitive_attr_create(&gram->attr), "attributes", WHO);
    NN_DNNL(dnnl_post_ops_create(&ops), "attributes", WHO);
    NN_DNNL(dnnl_post_ops_append_sum(ops, 1), "attributes", WHO);
    NN_DNNL(dnnl_primitive_attr_set_post_ops(gram->attr, ops), "attributes", WHO);
    *out = gram;
    gram = NULL;
out:
    if (ops) dnnl_post_ops_destroy(ops);
    nn_gram_free(gram);
    return st;
}

void nn_gram_free(NnGram *gram)
{
    if (!gram) return;
    if (gram->attr) dnnl_primitive_attr_destroy(gram->attr);
    if (gram->stream) dnnl_stream_destroy(gram->stream);
    if (gram->engine) dnnl_engine_destroy(gram->engine);
    base_free(gram);
}

/* A matrix [rows, columns] of row stride ld; transposed: of its transpose's storage. */
static BaseStatus matrix(dnnl_engine_t engine, dnnl_data_type_t type, int64_t rows, int64_t columns, int64_t ld,
                         bool transposed, const void *data, dnnl_memory_desc_t *md, dnnl_memory_t *out)
{
    BaseStatus st = BASE_OK;
    const dnnl_dims_t dims = {rows, columns}, strides = {transposed ? 1 : ld, transposed ? ld : 1};
    NN_DNNL(dnnl_memory_desc_init_by_strides(md, 2, dims, type, strides), "a matrix", WHO);
    NN_DNNL(dnnl_memory_create(out, md, engine, (void *)(uintptr_t)data), "a matrix", WHO);
out:
    return st;
}

BaseStatus nn_gram_product(void *gram, bool dual, int64_t M, int64_t N, int64_t K, const uint16_t *a, int64_t lda,
                           const uint16_t *b, int64_t ldb, float *c, int64_t ldc)
{
    BaseStatus st = BASE_OK;
    const NnGram *g = gram;
    dnnl_memory_desc_t am, bm, cm;
    dnnl_memory_t from = NULL, by = NULL, to = NULL;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t product = NULL;
    if (M == 0 || N == 0 || K == 0) return BASE_OK;
    BASE_TRY(matrix(g->engine, dnnl_bf16, M, K, lda, !dual, a, &am, &from));
    BASE_TRY(matrix(g->engine, dnnl_bf16, K, N, ldb, dual, b, &bm, &by));
    BASE_TRY(matrix(g->engine, dnnl_f32, M, N, ldc, false, c, &cm, &to));
    NN_DNNL(dnnl_matmul_desc_init(&desc, &am, &bm, NULL, &cm), "the product", WHO);
    NN_DNNL(dnnl_primitive_desc_create(&pd, &desc, g->attr, g->engine, NULL), "the product", WHO);
    NN_DNNL(dnnl_primitive_create(&product, pd), "the product", WHO); /* from oneDNN's cache after the first time */
    dnnl_exec_arg_t args[3] = {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, by}, {DNNL_ARG_DST, to}};
    NN_DNNL(dnnl_primitive_execute(product, g->stream, 3, args), "the product", WHO);
    NN_DNNL(dnnl_stream_wait(g->stream), "the product", WHO);
out:
    if (product) dnnl_primitive_destroy(product);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (from) dnnl_memory_destroy(from);
    if (by) dnnl_memory_destroy(by);
    if (to) dnnl_memory_destroy(to);
    return st;
}
