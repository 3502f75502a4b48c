/* nn/kernels/windows.h - self-attention inside the windows of a map (Swin, arXiv 2103.14030, section 3.2): of each image,
 * head and window, with d = E / heads and T = window^2 tokens,
 *
 *   S = Q K^T / sqrt(d) + B + M    P = softmax of the rows of S    O = P V                                  (eq. 4)
 *   dV = P^T dO    dP = dO V^T    dS = P (dP - rowsum(P dP))    dB = dS    dQ = dS K / sqrt(d)    dK = dS^T Q / sqrt(d)
 *
 * B_st is the head's entry of a table [(2 window - 1)^2, heads] at row (y_s - y_t + window - 1) (2 window - 1) + x_s - x_t +
 * window - 1. Windows divide the map that is rolled up and left by the shift; M_st is -100 where s and t were not
 * neighbours before that (figure 4), else 0. */
#ifndef NN_KERNELS_WINDOWS_H
#define NN_KERNELS_WINDOWS_H

#include <stdint.h>

typedef struct {
    int64_t n, H, W;    /* images; pixels of Q, K and V: multiples of the window */
    int64_t high, wide; /* of the output; pixels below and on the right of it are padding, which nobody asks */
    int64_t E, heads, window, shift_h, shift_w;
    int64_t element; /* bytes of a value of a map: 4, float; 2, bf16 */
    int threads;     /* at most; each has its part of the scratch */
} NnWindows;

/** Floats of scratch that each thread needs. */
int64_t nn_windows_scratch(const NnWindows *s);
/** qkv [n, H, W, 3 E], table -> out [n, high, wide, E]; scratch [threads, nn_windows_scratch]. */
void nn_windows_forward(const NnWindows *s, const void *qkv, const float *table, void *out, float *scratch);
/** g [n, high, wide, E] -> dqkv [n, H, W, 3 E], and what each image adds to the table's gradient: dtable [n, (2 window - 1)^2,
 *  heads]. */
void nn_windows_backward(const NnWindows *s, const void *qkv, const float *table, const void *g, void *dqkv,
                         float *dtable, float *scratch);
/** index [T, T]: which row of the table serves the pair (s, t). */
void nn_windows_index(int64_t window, int64_t *index);

#endif
