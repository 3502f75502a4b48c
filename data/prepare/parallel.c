/* data/prepare/parallel.c - an OpenMP loop; of several errors it keeps the one of the first piece, and warnings reach the caller's sink. */
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
    BaseLogRelay relay;
    base_log_relay_begin(&relay);
    base_progress(label, 0, n, NULL);
#pragma omp parallel
    {
        const bool helps = omp_get_thread_num() > 0;
        if (helps) base_log_thread_sink(&relay.sink);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < n; i++) {
            int64_t stop, count;
#pragma omp atomic read
            stop = failed;
            if (i > stop) continue;
            BaseStatus mine = helps ? BASE_OK : base_cancel_check(); /* only the caller's is asked */
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
            if (!helps && count < n) base_progress(label, count, n, NULL);
        }
        if (helps) base_log_thread_sink(NULL);
    }
    base_log_relay_say(&relay);
    base_log_relay_end(&relay);
    base_progress(label, n, n, NULL);
    return st == BASE_OK ? st : base_error_set(st, "%s", text);
}
