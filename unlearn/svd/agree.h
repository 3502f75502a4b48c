/* unlearn/svd/agree.h - processes that share work fail together: each sum over them waits for all. */
#ifndef UNLEARN_SVD_AGREE_H
#define UNLEARN_SVD_AGREE_H

#include "unlearn/unlearn.h"

/** Between two sums, called by every process: @p st is what came of its own work since the last one. BASE_OK where that of
 *  all did; else its own error, or that of another, which says so. Of one process alone: @p st. */
BaseStatus unlearn_agree(const UnlearnContext *context, BaseStatus st);

#endif
