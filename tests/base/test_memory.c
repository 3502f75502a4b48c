#include "tests/support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

static void test_blocks(void **state)
{
    (void)state;
    int64_t before = base_memory_live();
    double *x, *none;
    assert_ok(BASE_ALLOC(1000, &x));
    assert_int_equal((uintptr_t)x % 64, 0);
    for (int i = 0; i < 1000; i++) assert_true(x[i] == 0);
    x[999] = 7;
    assert_ok(BASE_GROW(&x, 1000, 5000));
    assert_true(x[999] == 7 && x[1000] == 0 && x[4999] == 0);
    assert_ok(BASE_GROW(&x, 5000, 10));
    assert_ok(BASE_ALLOC(0, &none));
    assert_non_null(none);
    assert_int_equal(base_memory_live(), before + 2);
    base_free(none);
    base_free(x);
    base_free(NULL);
    assert_int_equal(base_memory_live(), before);
}

static void test_sizes_that_overflow(void **state)
{
    (void)state;
    int64_t before = base_memory_live();
    double *x = NULL;
    assert_fails(BASE_ALLOC(SIZE_MAX / 8 + 1, &x), BASE_ENOMEM, "2305843009213693952 objects of 8 bytes");
    assert_null(x);
    assert_fails(BASE_ALLOC(-1, &x), BASE_ENOMEM, "objects of 8 bytes");
    assert_fails(base_alloc_raw(SIZE_MAX, 1, (void **)&x), BASE_ENOMEM, "not enough memory");
    assert_ok(BASE_ALLOC(1, &x));
    *x = 5;
    assert_fails(BASE_GROW(&x, 1, SIZE_MAX / 4), BASE_ENOMEM, "not enough memory");
    assert_true(*x == 5); /* what was there still is */
    int *list = NULL, *was = NULL, moves = 0;
    for (int i = 0; i < 1000; i++, was = list) {
        assert_ok(BASE_GROW_BY_ONE(&list, i));
        list[i] = i;
        moves += list != was || i == 0;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(list[i], i);
    assert_true(moves <= 11); /* at 0, 1, 2, 4, ..., 512 */
    base_free(list);
    base_free(x);
    assert_int_equal(base_memory_live(), before);
}

static void test_failures_on_request(void **state)
{
    (void)state;
    char *a, *b, *c;
    base_memory_fail_at(2);
    assert_ok(base_strdup("first", &a));
    assert_fails(base_strdup("second", &b), BASE_ENOMEM, "not enough memory");
    assert_fails(base_format(&c, "%d", 3), BASE_ENOMEM, "not enough memory");
    base_memory_fail_at(0);
    assert_null(b);
    assert_null(c);
    assert_ok(base_format(&c, "%s-%d", "x", 3));
    assert_string_equal(c, "x-3");
    base_free(a);
    base_free(c);
}

static void test_text(void **state)
{
    (void)state;
    BaseText text = {0};
    for (int i = 0; i < 1000; i++) base_text_add(&text, "%d,", i);
    base_text_append(&text, "a\0b", 3);
    assert_ok(text.st);
    assert_int_equal(text.size, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    assert_memory_equal(text.data + text.size - 7, "999,a\0b", 8);
    base_memory_fail_at(1);
    while (text.st == BASE_OK && text.size < 100000) base_text_add(&text, "more");
    base_memory_fail_at(0);
    assert_int_equal(text.st, BASE_ENOMEM);
    size_t size = text.size;
    base_text_add(&text, "not taken");
    assert_int_equal(text.size, size);
    base_text_free(&text);
    assert_null(text.data);
}

static BaseStatus chain(int depth)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(depth > 0, BASE_ESHAPE, "%d is no depth; must be %s", depth, "positive");
    if (depth == 1) BASE_FAIL(BASE_ELIMIT, "at the end");
    BASE_TRY(chain(depth - 1));
out:
    return st == BASE_OK ? st : base_error_prefix(st, "%d", depth);
}

static void *other_thread(void *user)
{
    base_error_set(BASE_EIO, "another thread's");
    *(size_t *)user = strlen(base_error_text());
    return NULL;
}

static void test_error_text(void **state)
{
    (void)state;
    char big[5000];
    assert_fails(chain(3), BASE_ELIMIT, "3: 2: 1: at the end");
    assert_fails(chain(0), BASE_ESHAPE, "0: 0 is no depth; must be positive");
    pthread_t thread;
    size_t size = 0;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &size), 0);
    pthread_join(thread, NULL);
    assert_int_equal(size, 16);
    assert_string_equal(base_error_text(), "0: 0 is no depth; must be positive");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    base_error_set(BASE_EIO, "%s", big);
    base_error_prefix(BASE_EIO, "%s", big);
    assert_in_range(strlen(base_error_text()), 1000, 2047);
    base_error_set(BASE_EIO, "again: %s", base_error_text()); /* its own text as an argument */
    assert_memory_equal(base_error_text(), "again: xxx", 10);
    base_error_clear();
    assert_string_equal(base_error_text(), "");
    assert_string_equal(base_status_name(BASE_OK), "OK");
    assert_string_equal(base_status_name(BASE_ECANCEL), "ECANCEL");
    assert_string_equal(base_status_name((BaseStatus)99), "?");
}

typedef struct {
    int messages, warnings, progress;
    char last[64];
} Heard;

static void on_message(void *user, BaseLogLevel level, const char *text)
{
    Heard *heard = user;
    heard->messages++;
    heard->warnings += level == BASE_LOG_WARNING;
    snprintf(heard->last, sizeof heard->last, "%s", text);
}

static void on_progress(void *user, const char *label, int64_t done, int64_t total, const char *detail)
{
    (void)label, (void)done, (void)total, (void)detail;
    ((Heard *)user)->progress++;
}

static void test_log(void **state)
{
    (void)state;
    Heard heard = {0};
    base_warning("into the void");
    base_log_sink(&(BaseLogSink){on_message, on_progress, &heard});
    base_notice("%d images", 3);
    base_warning("slow");
    base_progress("train", 1, 2, NULL);
    base_log_sink(NULL);
    base_notice("silence");
    base_progress("train", 2, 2, NULL);
    assert_true(heard.messages == 2 && heard.warnings == 1 && heard.progress == 1);
    assert_string_equal(heard.last, "slow");
}

/* A wish holds for what is between begin and end, on this thread, and for nothing that begins later. */
static void test_cancel(void **state)
{
    (void)state;
    base_cancel_ask();
    assert_ok(base_cancel_check()); /* outside */
    base_cancel_begin();
    assert_ok(base_cancel_check());
    base_cancel_ask();
    for (int i = 0; i < 2; i++) assert_fails(base_cancel_check(), BASE_ECANCEL, "stopped, as was asked for");
    base_cancel_end();
    assert_ok(base_cancel_check());
    base_cancel_begin();
    assert_ok(base_cancel_check());
    base_cancel_end();
}

static void test_clock(void **state)
{
    (void)state;
    char name[200] = "";
    double wall = base_clock_wall(), cpu = base_clock_cpu();
    assert_true(base_clock_wall() >= wall && base_clock_cpu() >= cpu && cpu >= 0);
    base_clock_reset_peak();
    enum { MIB = 1 << 20 };
    int64_t before = base_clock_peak_memory();
    char *block;
    assert_ok(BASE_ALLOC_RAW(64 * MIB, &block));
    for (int i = 0; i < 64 * MIB; i += 512) ((volatile char *)block)[i] = 1;
    base_free(block);
    assert_true(before > 0 && base_clock_peak_memory() >= before + 32 * MIB);
    base_clock_cpu_name(name, sizeof name);
    assert_true(*name && !strchr(name, '\n'));
}

static int64_t resident(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0; /* freed memory stays in its quarantine */
#else
    return base_clock_resident_memory();
#endif
}

/* Large blocks come back for others of about their size, are zeroed where that is promised, and go with the first one
 * that none of them fits, or when asked. */
static void test_kept_blocks(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    char *a, *b;
    base_memory_trim();
    int64_t before = resident(), blocks = base_memory_live();
    for (int how = 0; how < 2; how++) {
        assert_ok(BASE_ALLOC_RAW(64 * MIB, &a));
        memset(a, 7, 64 * MIB);
        base_free(a);
        assert_ok(BASE_ALLOC(60 * MIB, &b));
        int64_t other = 0;
        for (int i = 0; i < 60 * MIB; i++) other += b[i] != 0;
        assert_int_equal(other, 0);
        base_free(b);
        if (how == 1) {
            base_memory_trim();
            assert_true(resident() < before + 16 * MIB);
            continue;
        }
        assert_ok(BASE_ALLOC_RAW(200 * MIB, &a));
        memset(a, 7, 200 * MIB);
        assert_true(resident() < before + (200 + 16) * MIB);
        base_free(a);
        base_memory_trim();
    }
    assert_int_equal(base_memory_live(), blocks);
#ifndef __SANITIZE_ADDRESS__
    assert_ok(BASE_ALLOC_RAW(64 * MIB, &a));
    base_free(a);
    assert_ok(BASE_ALLOC_RAW(64 * MIB, &b));
    assert_ptr_equal(a, b);
    base_free(b);
#endif
    base_memory_trim();
}

static void *churn(void *user)
{
    (void)user;
    for (int i = 0; i < 200; i++) {
        char *block;
        if (BASE_ALLOC_RAW(((size_t)8 << 20) + (size_t)(i % 7) * 4096, &block) != BASE_OK) return block;
        block[0] = block[(8 << 20) - 1] = (char)i;
        base_free(block);
    }
    return NULL;
}

static void test_kept_blocks_by_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    int64_t blocks = base_memory_live();
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(threads + i, NULL, churn, NULL), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(base_memory_live(), blocks);
    base_memory_trim();
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[8192], command[8300];
    snprintf(path, sizeof path, "%s%s", folder, name);
    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s')\"", path);
    assert_int_equal(system(command), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_cgroups(void **state)
{
    (void)state;
    char a[4096], b[4096], c[4096], none[4096];
    snprintf(a, sizeof a, "%s/v2", support_scratch());
    snprintf(b, sizeof b, "%s/v1", support_scratch());
    snprintf(c, sizeof c, "%s/hidden", support_scratch());
    snprintf(none, sizeof none, "%s/none", support_scratch());
    assert_true(base_memory_cgroup(none) == INT64_MAX);
    /* v2: the least on the way to the root */
    put(a, "/proc/self/cgroup", "0::/user.slice/job\n");
    assert_true(base_memory_cgroup(a) == INT64_MAX);
    put(a, "/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    assert_true(base_memory_cgroup(a) == INT64_MAX);
    put(a, "/sys/fs/cgroup/user.slice/memory.max", "3000000000\n");
    assert_true(base_memory_cgroup(a) == 3000000000);
    put(a, "/sys/fs/cgroup/user.slice/job/memory.max", "2000000000\n");
    assert_true(base_memory_cgroup(a) == 2000000000);
    put(a, "/sys/fs/cgroup/user.slice/job/memory.max", "no number\n");
    assert_true(base_memory_cgroup(a) == 3000000000);
    /* v1 among other controllers */
    put(b, "/proc/self/cgroup", "9:cpu,cpuacct:/x\nrubbish\n4:memory:/job\n1:name=systemd:/y\n0::/z\n");
    put(b, "/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1000000000\n");
    put(b, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* v1's word for none */
    put(b, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "5\n");
    assert_true(base_memory_cgroup(b) == 1000000000);
    /* a container that sees its host's path, but its own group at the mount's root */
    put(c, "/proc/self/cgroup", "0::/docker/abc\n");
    put(c, "/sys/fs/cgroup/memory.max", "500000000\n");
    assert_true(base_memory_cgroup(c) == 500000000);
}

static void test_memory_limit(void **state)
{
    (void)state;
    struct rlimit before, small;
    int64_t machine = base_memory_limit();
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    assert_true(machine > 0 && machine <= (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
#ifndef __SANITIZE_ADDRESS__ /* which has mapped more than any limit */
    char *block;
    assert_true(before.rlim_cur != RLIM_INFINITY || base_memory_space_left() == INT64_MAX);
    small = before;
    small.rlim_cur = (rlim_t)machine / 2;
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    assert_true(base_memory_limit() == machine / 2);
    int64_t left = base_memory_space_left();
    assert_true(left > 0 && left < machine / 2);
    assert_ok(BASE_ALLOC_RAW(64 << 20, &block)); /* mapped by itself */
    assert_true(base_memory_space_left() <= left - (64 << 20));
    base_free(block);
    base_memory_trim();
    setrlimit(RLIMIT_AS, &before);
#else
    (void)small;
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_blocks),
    cmocka_unit_test(test_sizes_that_overflow),
    cmocka_unit_test(test_failures_on_request),
    cmocka_unit_test(test_text),
    cmocka_unit_test(test_error_text),
    cmocka_unit_test(test_log),
    cmocka_unit_test(test_cancel),
    cmocka_unit_test(test_clock),
    cmocka_unit_test(test_kept_blocks),
    cmocka_unit_test(test_kept_blocks_by_threads),
    cmocka_unit_test(test_cgroups),
    cmocka_unit_test(test_memory_limit),
};
SUPPORT_MAIN(tests)
