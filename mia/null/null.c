/* mia/null/null.c - binary search among sorted losses, then linear interpolation between two of them. */
#include "mia/null/null.h"

/* The value at @p at of {0, sorted, MIA_NULL_MOST}; losses beyond MIA_NULL_MOST stay behind it, as sorting has it. */
static double value(const double *sorted, int64_t at, int64_t below_most)
{
    if (at == 0) return 0;
    if (at <= below_most) return sorted[at - 1];
    if (at == below_most + 1) return MIA_NULL_MOST;
    return sorted[at - 2];
}

/* How many of @p sorted are < @p x. */
static int64_t count_below(const double *sorted, int64_t n, double x)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (sorted[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

double mia_null_level(const double *sorted, int64_t n, double loss)
{
    int64_t below_most = count_below(sorted, n, MIA_NULL_MOST), last = n + 1;
    /* the first entry at or above the loss: the quantile crosses the loss between the entry before and it */
    int64_t at = count_below(sorted, n, loss) + (0 < loss) + (MIA_NULL_MOST < loss);
    if (at > last) return 1;
    double hi = value(sorted, at, below_most);
    if (at == 0 || hi == loss) return (double)at / (double)last;
    double lo = value(sorted, at - 1, below_most);
    return ((double)(at - 1) + (loss - lo) / (hi - lo)) / (double)last;
}
