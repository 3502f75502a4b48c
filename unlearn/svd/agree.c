/* unlearn/svd/agree.c - how many processes have each status, by one sum. */
#include "unlearn/svd/agree.h"

#include <stdio.h>

BaseStatus unlearn_agree(const UnlearnContext *context, BaseStatus st)
{
    double count[BASE_STATUS_COUNT] = {0};
    char said[1024];
    if (!context->reduce) return st;
    snprintf(said, sizeof said, "%s", st == BASE_OK ? "" : base_error_text());
    count[st] = 1;
    BaseStatus sum = context->reduce(context->user, count, BASE_STATUS_COUNT, true);
    if (st != BASE_OK) return base_error_set(st, "%s", said);
    if (sum != BASE_OK) return sum;
    for (int i = BASE_OK + 1; i < BASE_STATUS_COUNT; i++)
        if (count[i] > 0)
            return base_error_set((BaseStatus)i,
                                  "another of the processes that share the work has failed (%s), and says why",
                                  base_status_name((BaseStatus)i));
    return BASE_OK;
}
