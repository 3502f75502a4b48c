/* nn/backend.h - what runs a network, as net, train and predict see it: engines, bf16 products, and what a back end says
 * of itself. nn/onednn is the one there is. Primitives are made once per batch size and reused; layouts are its own
 * between layers. */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include "nn/net.h"

typedef enum { NN_F32, NN_BF16 } NnPrecision; /* bf16: float32 master weights, logits, gradients and statistics */
typedef enum {
    NN_MODE_EVAL,       /* running statistics; batch norm and ReLU folded into the convolutions; no backward */
    NN_MODE_TRAIN,      /* batch statistics (running ones updated), dropout on, backward */
    NN_MODE_EVAL_GRAD,  /* running statistics, dropout off, backward: gradients of the network as deployed */
    NN_MODE_EVAL_INPUT, /* the same, and the gradient of the input */
    NN_MODE_TRAIN_INPUT /* NN_MODE_TRAIN, and the gradient of the input */
} NnMode;

typedef struct NnEngine NnEngine;

/** "f32" or "bf16". */
BaseStatus nn_precision_parse(const char *text, NnPrecision *out);
const char *nn_precision_name(NnPrecision precision);
/** @p wanted, or NN_F32 with one notice where this CPU lacks bf16 instructions. */
NnPrecision nn_precision_available(NnPrecision wanted);

/** @p net is borrowed and must outlive the engine; its parameters may change between calls. Only training changes it.
 *  @p batch: largest n. */
BaseStatus nn_engine_create(NnNet *net, NnMode mode, NnPrecision precision, int64_t batch, NnEngine **out);
void nn_engine_free(NnEngine *engine);

/** Plain eval, before the first forward pass: only layers with @p keep [layers] 1 (copied; NULL: none) can be tapped,
 * and memory does not grow with depth, since the storage of values that were read serves again. */
BaseStatus nn_engine_keep(NnEngine *engine, const uint8_t *keep);
/** What nn_engine_forward calls when the input of layer @p layer is complete: there alone it can be tapped. */
typedef BaseStatus (*NnTake)(void *user, int layer);
/** In place of nn_engine_keep: the inputs of @p layers [layers] (copied) are handed to @p take one after the other, so
 *  that none of them waits for the others. @p whole false: the forward pass ends with the last one, and leaves the logits
 *  alone. */
BaseStatus nn_engine_take(NnEngine *engine, const uint8_t *layers, bool whole, NnTake take, void *user);
/** Bytes of storage for @p n images; what a primitive needs while it runs is not among them. */
BaseStatus nn_engine_bytes(NnEngine *engine, int64_t n, int64_t *out);

/** @p x [n, C, H, W], @p logits [n, K]; 1 <= n <= batch. BASE_ENUMERIC where the input, the network's
 *  numbers or a logit are not finite. Train mode: @p dropout_key selects the masks and the network's running statistics
 *  move; BASE_ESHAPE where a batch norm would see one value per channel. */
BaseStatus nn_engine_forward(NnEngine *engine, const float *x, int64_t n, uint64_t dropout_key, float *logits);
/** Input of layer @p layer (an index of nn_net_layers) in the last forward pass: out [n, C, H, W], plain float32. */
BaseStatus nn_engine_tap(NnEngine *engine, int layer, float *out);
/** The same with channels last, [n, H, W, C], as float, or as bf16 (uint16_t), rounded if it is not bf16 already. */
BaseStatus nn_engine_tap_pixels(NnEngine *engine, int layer, NnPrecision as, void *out);
/** Gradients for the last forward pass given d loss / d logits [n, K]. @p grads [param_count] is overwritten.
 *  BASE_ENUMERIC where a gradient is not finite. */
BaseStatus nn_engine_backward(NnEngine *engine, const float *dlogits, float *grads);
/** Of the last backward pass, in a mode with the gradient of the input: d loss / d x, out [n, C, H, W]. BASE_ENUMERIC as above. */
BaseStatus nn_engine_input_gradient(NnEngine *engine, float *out);

/** With a backward pass, before the first forward pass: keeps the network's last map after a ReLU with at least @p
 * side x @p side places, and its gradient. @p shape: its C, H, W. BASE_EUSAGE where there is none. */
BaseStatus nn_engine_watch(NnEngine *engine, int64_t side, int64_t shape[3]);
/** After a backward pass: that map and d loss / d map, [n, C, H, W] each. */
BaseStatus nn_engine_watched(NnEngine *engine, float *map, float *gradient);

/* ---- products of bf16 numbers, summed in float32: what sums of outer products of a layer's inputs are made of ---- */

typedef struct NnGram NnGram;

/** BASE_EBACKEND where the back end refuses. */
BaseStatus nn_gram_create(NnGram **out);
void nn_gram_free(NnGram *gram);
/**
 * C [M, N] += A^T B (a [K, M], b [K, N]), or with @p dual A B^T (a [M, K], b [N, K]): bf16 (uint16_t) in, float32 sums.
 * Row strides lda, ldb, ldc. Products of bf16 are exact in float32, so the error is that of a float32 sum of K terms.
 * @p gram is an NnGram; the shape is that of math's MathProduct.
 */
BaseStatus nn_gram_product(void *gram, bool dual, int64_t M, int64_t N, int64_t K, const uint16_t *a, int64_t lda,
                           const uint16_t *b, int64_t ldb, float *c, int64_t ldc);

/* ---- convolutions, each of which several algorithms can run ---- */

typedef enum {
    NN_PASS_INFER,   /* forward, in plain eval: batch norm, addition and ReLU are folded in */
    NN_PASS_FORWARD, /* forward, where a backward pass follows */
    NN_PASS_DATA,    /* gradient of the input */
    NN_PASS_WEIGHTS, /* gradient of weight and bias */
    NN_PASSES
} NnPass;

typedef enum {
    NN_CONV_DIRECT,
    NN_CONV_WINOGRAD, /* F(4x4, 3x3) or F(2x2, 3x3); float32 */
    NN_CONV_UNFOLD,   /* patches, then one matrix product */
    NN_CONV_ALGORITHMS
} NnConvAlgorithm;

/** One pass of one convolution on one kind of machine, and who runs it. */
typedef struct {
    const char *isa; /* of nn_backend_isa; static storage */
    int64_t threads;
    NnPrecision precision;
    NnPass pass;
    int64_t n, C, H, W, K, kernel, stride, pad; /* n images of C channels, H x W; K filters */
    NnConvAlgorithm algorithm;
} NnTuningRow;

/** Name of the instruction set in use: "avx512_core_bf16", "avx2", ... Static storage. */
const char *nn_backend_isa(void);
/** Whether the row's algorithm can run its shape. */
bool nn_backend_possible(const NnTuningRow *row);

#endif
