/* nn/kernels/winograd8.c - Winograd's transforms on maps in blocks of 8 channels. */
#define NN_LANES 8
#define ROWS     nn_winograd_rows8
#include "nn/kernels/winograd_lanes.h"
