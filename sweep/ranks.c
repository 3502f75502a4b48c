/* sweep/ranks.c - sums by recursive doubling, the same bits on every rank; without MPI, calls that do nothing. */
#include "sweep/ranks.h"

/* What MPI holds of this process; as global as MPI itself. */
static struct {
    int number, count, part_ranks; /* part_ranks: those that share work, or 0 */
    bool started, together;
} ranks = {.count = 1};

int sweep_ranks_number(void) { return ranks.number; }
int sweep_ranks_count(void) { return ranks.count; }

void sweep_ranks_part(int blocks, int *from, int *count)
{
    int sharing = 1;
    while (2 * sharing <= ranks.count && 2 * sharing <= blocks) sharing *= 2;
    ranks.part_ranks = sharing;
    ranks.together = true;
    *count = ranks.number < sharing ? blocks / sharing : 0;
    *from = ranks.number * *count;
}

#ifdef EXPUNGE_MPI
#include <mpi.h>
#include <string.h>

#include "base/memory.h"
#include "base/system.h"

static BaseStatus check(int rc, const char *what)
{
    char text[MPI_MAX_ERROR_STRING];
    int length;
    if (rc == MPI_SUCCESS) return BASE_OK;
    MPI_Error_string(rc, text, &length);
    return base_error_set(BASE_EBACKEND, "MPI: %s: %s", what, text);
}

BaseStatus sweep_ranks_start(void)
{
    BaseStatus st = BASE_OK;
    int provided;
    BASE_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided), "start"));
    ranks.started = true;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    BASE_TRY(check(MPI_Comm_rank(MPI_COMM_WORLD, &ranks.number), "rank"));
    BASE_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &ranks.count), "size"));
out:
    return st;
}

void sweep_ranks_stop(BaseStatus st)
{
    if (!ranks.started) return;
    if (st != BASE_OK && ranks.together && ranks.count > 1) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
    ranks.started = false;
}

/* Ranks of one machine that are bound to different CPUs have theirs for themselves; where the system does not say who
 * is bound, nobody is. */
int sweep_ranks_threads(int all)
{
    MPI_Comm machine;
    BaseSystemCpus mine = base_system_cpus(), common, any;
    int count = 1;
    if (ranks.count == 1) return all;
    if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine) != MPI_SUCCESS) return 1;
    MPI_Comm_size(machine, &count);
    MPI_Allreduce(&mine, &common, sizeof mine, MPI_BYTE, MPI_BAND, machine);
    MPI_Allreduce(&mine, &any, sizeof mine, MPI_BYTE, MPI_BOR, machine);
    MPI_Comm_free(&machine);
    int threads = memcmp(&common, &any, sizeof any) == 0 ? all / count : all;
    return threads < 1 ? 1 : threads;
}

void sweep_ranks_meet(void)
{
    if (ranks.count > 1) MPI_Barrier(MPI_COMM_WORLD);
}

enum { PIECE = 1 << 22 }; /* values per message: counts are int, and a buffer is this long */

/* Recursive doubling: after round k each of 2^k neighbours has their sum, and a + b = b + a to the bit. */
static BaseStatus sum_piece(void *x, void *other, int n, bool wide)
{
    BaseStatus st = BASE_OK;
    MPI_Datatype type = wide ? MPI_DOUBLE : MPI_FLOAT;
    for (int step = 1; step < ranks.part_ranks && ranks.number < ranks.part_ranks; step *= 2) {
        BASE_TRY(check(MPI_Sendrecv(x, n, type, ranks.number ^ step, 0, other, n, type, ranks.number ^ step, 0,
                                    MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                       "sum"));
        if (wide)
            for (int i = 0; i < n; i++) ((double *)x)[i] += ((const double *)other)[i];
        else
            for (int i = 0; i < n; i++) ((float *)x)[i] += ((const float *)other)[i];
    }
    if (ranks.part_ranks < ranks.count) BASE_TRY(check(MPI_Bcast(x, n, type, 0, MPI_COMM_WORLD), "broadcast"));
out:
    return st;
}

BaseStatus sweep_ranks_sum(void *user, void *x, int64_t n, bool wide)
{
    (void)user;
    BaseStatus st = BASE_OK;
    double *other = NULL;
    size_t size = wide ? sizeof(double) : sizeof(float);
    if (ranks.count == 1) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(n < PIECE ? n : PIECE, &other));
    for (int64_t at = 0; at < n; at += PIECE)
        BASE_TRY(sum_piece((char *)x + (size_t)at * size, other, (int)(n - at < PIECE ? n - at : PIECE), wide));
out:
    base_free(other);
    return st;
}

#else

BaseStatus sweep_ranks_start(void) { return BASE_OK; }
void sweep_ranks_stop(BaseStatus st) { (void)st; }
int sweep_ranks_threads(int all) { return all; }
void sweep_ranks_meet(void) {}

BaseStatus sweep_ranks_sum(void *user, void *x, int64_t n, bool wide)
{
    (void)user, (void)x, (void)n, (void)wide;
    return BASE_OK;
}

#endif
