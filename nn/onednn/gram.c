/* nn/onednn/gram.c - bf16 products that oneDNN adds to float32 blocks; AMX where the CPU has it. */
#include "base/memory.h"
#include "nn/backend.h"
#include "nn/onednn/kit/kit.h"

struct NnGram {
    NnDevice device;
};

static const char WHO[] = "a bf16 product";

BaseStatus nn_gram_create(NnGram **out)
{
    BaseStatus st = BASE_OK;
    NnGram *gram = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &gram));
    BASE_TRY(nn_device_open(&gram->device));
    *out = gram;
    gram = NULL;
out:
    nn_gram_free(gram);
    return st;
}

void nn_gram_free(NnGram *gram)
{
    if (!gram) return;
    nn_device_close(&gram->device);
    base_free(gram);
}

/* A matrix [rows, columns] of row stride ld; transposed: of its transpose's storage. */
static NnMd matrix(NnKit *kit, dnnl_data_type_t type, int64_t rows, int64_t columns, int64_t ld, bool transposed)
{
    const int64_t dims[2] = {rows, columns}, strides[2] = {transposed ? 1 : ld, transposed ? ld : 1};
    return nn_md_strided(kit, type, 2, dims, strides);
}

BaseStatus nn_gram_product(void *gram, bool dual, int64_t M, int64_t N, int64_t K, const uint16_t *a, int64_t lda,
                           const uint16_t *b, int64_t ldb, float *c, int64_t ldc)
{
    BaseStatus st = BASE_OK;
    const NnGram *g = gram;
    NnKit kit = {.engine = g->device.engine};
    dnnl_memory_t from, by, to;
    const_dnnl_primitive_desc_t pd;
    dnnl_primitive_t product;
    if (M == 0 || N == 0 || K == 0) return BASE_OK;
    NnMd am = matrix(&kit, dnnl_bf16, M, K, lda, !dual), bm = matrix(&kit, dnnl_bf16, K, N, ldb, dual);
    NnMd cm = matrix(&kit, dnnl_f32, M, N, ldc, false);
    NnOp op = {.kind = NN_OP_MATMUL, .src = &am, .weight = &bm, .dst = &cm, .post.sum = true};
    BASE_TRY(nn_kit_pd(&kit, &op, WHO, &pd));
    BASE_TRY(nn_kit_primitive(&kit, pd, WHO, &product)); /* from oneDNN's cache after the first time */
    BASE_TRY(nn_kit_memory(&kit, &am, a, &from));
    BASE_TRY(nn_kit_memory(&kit, &bm, b, &by));
    BASE_TRY(nn_kit_memory(&kit, &cm, c, &to));
    dnnl_exec_arg_t args[3] = {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, by}, {DNNL_ARG_DST, to}};
    NN_DNNL(dnnl_primitive_execute(product, g->device.stream, 3, args), "the product", WHO);
    NN_DNNL(dnnl_stream_wait(g->device.stream), "the product", WHO);
out:
    nn_kit_clear(&kit);
    return st;
}
