/* data/prepare/parallel.c - an OpenMP loop; of several errors it keeps the one of the first piece. */
#include "data/prepare/parallel.h"

#include <omp.h>
#include <stdio.h>

#include "base/cancel.h"
#include "base/log.h"

BaseStatus data_parallel(int64_t n, BaseStatus (*work)(void *user, int64_t i), void *user, const char *label)
{
    BaseStatus st = BASE_OK;
    char text[2048] = ""; /* a thread's error text is its own */
    int64_t failed = n, done = 0;
    base_progress(label, 0, n, NULL);
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < n; i++) {
        int64_t stop, count;
#pragma omp atomic read
        stop = failed;
        if (i > stop) continue;
        BaseStatus mine = omp_get_thread_num() == 0 ? base_cancel_check() : BASE_OK; /* only the caller's is asked */
        if (mine == BASE_OK) mine = work(user, i);
        if (mine != BASE_OK) {
#pragma omp critical(data_parallel_failed)
            if (i < failed) {
                st = mine;
                snprintf(text, sizeof text, "%s", base_error_text());
#pragma omp atomic write
                failed = i;
            }
        }
#pragma omp atomic capture
        count = ++done;
        if (omp_get_thread_num() == 0 && count < n) base_progress(label, count, n, NULL);
    }
    base_progress(label, n, n, NULL);
    return st == BASE_OK ? st : base_error_set(st, "%s", text);
}
