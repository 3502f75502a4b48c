/* nn/kernels/winograd16.c - Winograd's transforms on maps in blocks of 16 channels. */
#define NN_LANES 16
#define ROWS     nn_winograd_rows16
#include "nn/kernels/winograd_lanes.h"
