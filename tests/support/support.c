#include <string.h>

#include "tests/support/support.h"

#include <dlfcn.h>
#include <ftw.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/tensors.h"

void support_ok(BaseStatus st, const char *call, const char *file, int line)
{
    if (st == BASE_OK) return;
    print_error("%s: %s\n", base_status_name(st), base_error_text());
    _fail(file, line);
    (void)call;
}

void support_fails(BaseStatus st, BaseStatus want, const char *part, const char *call, const char *file, int line)
{
    const char *text = base_error_text();
    if (st == want && *text && strstr(text, part) && !strchr(text, '\n')) return;
    print_error("%s gave %s '%s'; wanted %s and '%s' in one line\n", call, base_status_name(st), text,
                base_status_name(want), part);
    _fail(file, line);
}

void support_near(double got, double want, double abs, double rel, const char *what, const char *file, int line)
{
    if (isnan(got) && isnan(want)) return;
    if (got == want || fabs(got - want) <= abs + rel * fabs(want)) return;
    print_error("%s = %.17g, wanted %.17g (off by %.3g)\n", what, got, want, got - want);
    _fail(file, line);
}

double support_close_f32(const float *got, const double *want, int64_t n, double tolerance, const char *what,
                         const char *file, int line)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double off = fabs((double)got[i] - want[i]);
        if (!(off <= worst)) worst = off; /* NaN too */
        if (fabs(want[i]) > largest) largest = fabs(want[i]);
    }
    double figure = worst == 0 ? 0 : worst / largest;
    if (figure <= tolerance) return figure;
    print_error("%s: off by %.3g of the largest entry, allowed %.3g\n", what, figure, tolerance);
    _fail(file, line);
    return figure;
}

const char *support_fixture(const char *name)
{
    static char path[4096];
    const char *folder = getenv("EXPUNGE_FIXTURES"), *tests = getenv("EXPUNGE_TESTS");
    if (folder) snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!folder || access(path, F_OK) != 0) /* what has no other version */
        snprintf(path, sizeof path, "%s/fixtures/%s", tests ? tests : "tests", name);
    return path;
}

static void *read_array(IoHdf5 *file, const char *path, int64_t *count, IoH5Type type, size_t size)
{
    IoH5Info info;
    void *out = NULL;
    assert_ok(io_hdf5_info(file, path, &info));
    assert_ok(base_alloc_bytes((size_t)info.count, size, &out));
    assert_ok(io_hdf5_read(file, path, type, out));
    if (count) *count = info.count;
    return out;
}

double *support_read_f64(IoHdf5 *f, const char *path, int64_t *n) { return read_array(f, path, n, IO_H5_F64, 8); }
float *support_read_f32(IoHdf5 *f, const char *path, int64_t *n) { return read_array(f, path, n, IO_H5_F32, 4); }
int32_t *support_read_i32(IoHdf5 *f, const char *path, int64_t *n) { return read_array(f, path, n, IO_H5_I32, 4); }

double support_attr(IoHdf5 *file, const char *path, const char *name)
{
    double *values = NULL;
    size_t count = 0;
    assert_ok(io_hdf5_get_f64s(file, path, name, &values, &count));
    assert_int_equal(count, 1);
    double value = values[0];
    base_free(values);
    return value;
}

static char scratch[4096];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void remove_scratch(void) { nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

const char *support_scratch(void)
{
    if (*scratch) return scratch;
    const char *tmp = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/expunge-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(scratch));
    atexit(remove_scratch);
    return scratch;
}

const char *support_at(const char *name)
{
    static char path[4][4400];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", support_scratch(), name);
    return path[turn];
}

static long long lost; /* objects of HDF5 */

/* In place of the library's: a file closes with all that is still open in it, and the library with its process, so that
 * neither the end nor a sanitizer shows what was lost. */
herr_t H5Fclose(hid_t file)
{
    static herr_t (*close_file)(hid_t);
    lost += (long long)H5Fget_obj_count(file, H5F_OBJ_ALL | H5F_OBJ_LOCAL) - 1;
    *(void **)&close_file = dlsym(RTLD_NEXT, "H5Fclose");
    return close_file(file);
}

int support_end(int failed)
{
    long long blocks = (long long)base_memory_live();
    lost += (long long)H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL);
    if (failed || (blocks == 0 && lost == 0)) return failed;
    print_error("%lld blocks of memory were not given back, and %lld objects of HDF5\n", blocks, lost);
    return 1;
}

/* @p sign 1: everything fails from the n-th on, as where memory is gone; -1: the n-th alone. */
static void fail_each(BaseStatus (*call_once)(void *user), void *user, int64_t step, int64_t most, int sign)
{
    int64_t before = base_memory_live();
    for (int64_t n = 1; n <= most; n += step) {
        base_memory_fail_at(sign * n);
        BaseStatus st = call_once(user);
        bool failed = base_memory_has_failed();
        base_memory_fail_at(0);
        assert_int_equal(base_memory_live(), before);
        if (st == BASE_OK && failed) fail_msg("allocation %lld failed, and nobody said so", (long long)n);
        if (st == BASE_OK) return;
        if (st != BASE_ENOMEM)
            print_error("allocation %lld: %s '%s'\n", (long long)n, base_status_name(st), base_error_text());
        assert_int_equal(st, BASE_ENOMEM);
    }
    fail_msg("still failing after %lld allocations", (long long)most);
}

void support_fail_each_allocation(BaseStatus (*call_once)(void *user), void *user, int64_t most)
{
    fail_each(call_once, user, 1, most, -1);
}

void support_fail_some_allocations(BaseStatus (*call_once)(void *user), void *user, int64_t step, int64_t most)
{
    fail_each(call_once, user, getenv("EXPUNGE_LONG") ? 1 : step, most, -1);
}

void support_fail_allocations(BaseStatus (*call_once)(void *user), void *user, int64_t most)
{
    fail_each(call_once, user, 1, most, 1);
    fail_each(call_once, user, 1, most, -1);
}

BaseStatus support_rewrite(const char *from, const char *to)
{
    IoTensors *tensors = NULL;
    BaseStatus st = io_tensors_read(from, &tensors);
    if (st == BASE_OK) st = io_tensors_write(tensors, to);
    io_tensors_free(tensors);
    return st;
}
