/* data/prepare/picks.c - the line that names an image, found by halving. */
#include "data/prepare/picks.h"

int64_t data_picks_at(const DataPicks *picks, int64_t number, bool *test)
{
    int64_t low = 0, high = picks->range_count; /* the last line that begins at or before it */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (picks->ranges[middle].before <= number)
            low = middle;
        else
            high = middle;
    }
    *test = picks->ranges[low].test;
    return picks->ranges[low].first + number - picks->ranges[low].before;
}
