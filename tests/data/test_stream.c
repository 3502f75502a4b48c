/* Images that are read one by one: what stays in memory within a budget, hashes of files that are known by their times, and
 * batches and fetches of a folder against the same images in memory, with broken ones among them, and whom warnings reach. */
#include "tests/support/support.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "data/data.h"
#include "data/pipeline/loader.h"
#include "data/prepare/parallel.h"
#include "data/set/build.h"
#include "data/stream/hashes.h"
#include "data/stream/kept.h"
#include "io/file.h"

static char root[4096], spec[4200];

static void start(const char *name)
{
    char cache[4200];
    snprintf(root, sizeof root, "%s/%s", support_scratch(), name);
    snprintf(spec, sizeof spec, "imagefolder:%s", root);
    snprintf(cache, sizeof cache, "%s/cache", root);
    assert_ok(io_folder_make(root));
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
}

static void put(const char *name, const char *image, size_t most)
{
    size_t size;
    char path[4600], *bytes;
    const char *tests = getenv("EXPUNGE_TESTS");
    snprintf(path, sizeof path, "%s/fixtures/images/%s", tests ? tests : "tests", image);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    snprintf(path, sizeof path, "%s/%s", root, name);
    *strrchr(path, '/') = '\0';
    assert_ok(io_folder_make(path));
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_ok(io_file_write(path, bytes, size < most ? size : most));
    base_free(bytes);
}

/* ------------------------------------------------------------ what stays */

enum { IMAGES = 500, BYTES = 1 << 20 };

static void fill(uint8_t *image, int64_t i) { memset(image, (int)(i % 251), BYTES); }

/* Of 500 MB as much stays as leaves an eighth of the budget free, and what stays is right; a large allocation that would
 * pass the budget takes it back. */
static void test_kept(void **state)
{
    (void)state;
    DataKept *kept;
    static uint8_t image[BYTES], got[BYTES];
    assert_ok(data_kept_create(IMAGES, BYTES, &kept));
    int64_t used = base_memory_budget() - base_memory_budget_left(), budget = used + (256 << 20);
    base_memory_set_budget(budget);
    for (int64_t i = 0; i < IMAGES; i++) {
        fill(image, i);
        assert_ok(data_kept_put(kept, i, image));
        assert_ok(data_kept_put(kept, i, image)); /* twice is once */
    }
    int64_t count = data_kept_count(kept);
    assert_in_range(count, 99, 256); /* 256 MB less 33 for a slab and an eighth of the budget, in slabs of 33 */
    assert_true(base_memory_budget_left() >= budget / 8);
    for (int64_t i = 0; i < IMAGES; i++) {
        assert_int_equal(data_kept_get(kept, i, got), i < count); /* the first that came */
        if (i >= count) continue;
        fill(image, i);
        assert_memory_equal(got, image, BYTES);
    }
    void *large;
    assert_ok(base_alloc_raw(1, (size_t)200 << 20, &large));
    assert_true(data_kept_count(kept) < count);
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed blocks for a while, so that they count as others' memory */
    assert_true(base_memory_budget_left() >= 0);
#endif
    base_free(large);
    base_memory_set_budget(1); /* nothing fits, and nothing is refused */
    assert_ok(data_kept_put(kept, IMAGES - 1, image));
    assert_false(data_kept_get(kept, IMAGES - 1, got));
    base_memory_set_budget(0);
    data_kept_free(kept);
}

/* ------------------------------------------------------------ hashes */

static void write_old(const char *path, const char *text)
{
    assert_ok(io_file_write(path, text, strlen(text)));
    struct timespec hour[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    assert_int_equal(utimensat(AT_FDCWD, path, hour, 0), 0);
}

static void digest_of(const char *text, uint8_t out[DATA_DIGEST])
{
    char hex[BASE_HASH_HEX];
    base_hash_bytes(text, strlen(text), hex);
    for (int i = 0; i < DATA_DIGEST; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
}

static void test_hashes(void **state)
{
    (void)state;
    char a[4600], b[4600], gone[4600], folder[4600], **names;
    size_t count;
    uint8_t got[3][DATA_DIGEST], want[DATA_DIGEST], none[DATA_DIGEST] = {0};
    start("hashes");
    snprintf(a, sizeof a, "%s/a.png", root);
    snprintf(b, sizeof b, "%s/b.png", root);
    snprintf(gone, sizeof gone, "%s/gone.png", root);
    BaseTexts paths = {0};
    for (int i = 0; i < 3; i++) assert_ok(base_texts_add(&paths, i == 0 ? a : i == 1 ? b : gone));
    write_old(a, "one");
    write_old(b, "two");
    assert_ok(data_hashes(root, &paths, 3, got));
    digest_of("one", want);
    assert_memory_equal(got[0], want, DATA_DIGEST);
    digest_of("two", want);
    assert_memory_equal(got[1], want, DATA_DIGEST);
    assert_memory_equal(got[2], none, DATA_DIGEST);
    /* files whose status changed a moment ago are not remembered: no file in the cache says so */
    snprintf(folder, sizeof folder, "%s/cache/expunge", root);
    assert_false(io_path_exists(folder));
    sleep(3);
    assert_ok(data_hashes(root, &paths, 3, got));
    assert_ok(io_folder_list(folder, "", &names, &count));
    assert_int_equal(count, 1);
    /* the cache is asked: where it holds another digest for the same file, that one comes, if the whole is as written */
    char path[5000], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, names[0]);
    io_names_free(names, count);
    assert_ok(io_file_read(path, 0, &bytes, &size));
    assert_true(size > 104 + 64);
    bytes[size - 1] ^= 1; /* of a digest, and the hash of all no longer fits: not believed */
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
    assert_ok(data_hashes(root, &paths, 2, got));
    digest_of("one", want);
    assert_memory_equal(got[0], want, DATA_DIGEST);
    digest_of("two", want);
    assert_memory_equal(got[1], want, DATA_DIGEST);
    assert_ok(io_file_read(path, 0, &bytes, &size)); /* written again, whole */
    bytes[size - 1] ^= 1;
    base_hash_bytes(bytes + 104, size - 104, bytes + 32);
    assert_ok(io_file_write(path, bytes, size));
    base_free(bytes);
    assert_ok(data_hashes(root, &paths, 2, got));
    digest_of("one", want);
    bool first = memcmp(got[0], want, DATA_DIGEST) == 0;
    digest_of("two", want);
    assert_true(first != (memcmp(got[1], want, DATA_DIGEST) == 0));
    /* and a file that changed, at the same size, is read again */
    write_old(a, "six");
    write_old(b, "ten");
    assert_ok(data_hashes(root, &paths, 2, got));
    digest_of("six", want);
    assert_memory_equal(got[0], want, DATA_DIGEST);
    digest_of("ten", want);
    assert_memory_equal(got[1], want, DATA_DIGEST);
    base_texts_free(&paths);
}

/* ------------------------------------------------------------ a folder against the same images in memory */

static const DataOptions SMALL = {.resize = "24", .crop = "20"};

static void make_folder(void)
{
    static const char *const IMAGE[] = {"rgb.jpg", "rgb420.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "grey.png"};
    char name[80];
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "%s/%c/%02d.%s", i % 4 == 3 ? "test" : "train", "ab"[i % 2], i,
                 i % 6 < 4 ? "jpg" : "png");
        put(name, IMAGE[i % 6], SIZE_MAX);
    }
    put("test/a/x.png", "rgb.png", SIZE_MAX);
}

static void copy_in_memory(const DataSet *set, DataSet **out)
{
    assert_ok(data_set_create("memory", DATA_U8, set->N, set->C, set->H, set->W, set->K, out));
    assert_ok(data_fetch(set, NULL, set->N, (*out)->images));
    memcpy((*out)->labels, set->labels, (size_t)set->N * sizeof *set->labels);
    assert_ok(data_set_name_classes(*out, NULL));
    data_set_normalise(*out, set->mean, set->std);
    assert_ok(data_set_finish(*out, "memory", "memory"));
}

static void same_batches(const DataSet *a, const DataSet *b, bool keeps)
{
    DataView of_a = data_view_all(a), of_b = data_view_all(b);
    const DataLoaderConfig config = {
        .batch = 4, .C = 3, .H = 24, .W = 22, .shuffle = true, .flip = true, .crop = 2, .seed = 5};
    DataLoader *one, *two;
    base_memory_set_budget(keeps ? 0 : 1);
    assert_ok(data_loader_create(&of_a, &config, &one));
    assert_ok(data_loader_create(&of_b, &config, &two));
    for (int epoch = 0; epoch < 3; epoch++) {
        DataBatch x, y;
        assert_ok(data_loader_start(one, epoch));
        assert_ok(data_loader_start(two, epoch));
        do {
            assert_ok(data_loader_next(one, &x));
            assert_ok(data_loader_next(two, &y));
            assert_int_equal(x.n, y.n);
            if (x.n == 0) break;
            assert_memory_equal(x.x, y.x, (size_t)(x.n * 3 * 24 * 22) * sizeof *x.x);
            assert_memory_equal(x.y, y.y, (size_t)x.n * sizeof *x.y);
            assert_memory_equal(x.index, y.index, (size_t)x.n * sizeof *x.index);
        } while (x.n > 0);
    }
    data_loader_free(one);
    data_loader_free(two);
    base_memory_set_budget(0);
}

static BaseStatus read_slowly(DataReader *reader, int64_t i, void *out)
{
    (void)reader;
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    memset(out, (int)i, 3 * 4 * 4);
    return BASE_OK;
}
static void free_nothing(DataReader *reader) { (void)reader; }

/* Whoever asks sooner than images come learns how long it waited; a batch that was there costs nothing more. */
static void test_waits(void **state)
{
    (void)state;
    DataReader reader = {read_slowly, free_nothing};
    DataSet *set = NULL;
    DataLoader *loader = NULL;
    DataBatch batch;
    assert_ok(data_set_create_read("slow", 8, 3, 4, 4, 2, &set));
    memset(set->labels, 0, 8 * sizeof *set->labels);
    set->reader = &reader;
    DataView view = data_view_all(set);
    DataLoaderConfig config = {.batch = 4, .C = 3, .H = 4, .W = 4};
    assert_ok(data_loader_create(&view, &config, &loader));
    assert_ok(data_loader_start(loader, 0));
    assert_near(data_loader_waited(loader), 0, 0, 0);
    assert_ok(data_loader_next(loader, &batch));
    double waited = data_loader_waited(loader);
    assert_true(waited > 0.015);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    assert_ok(data_loader_next(loader, &batch));
    assert_true(data_loader_waited(loader) - waited < 0.5); /* the second batch had a second to come */
    data_loader_free(loader);
    data_set_free(set);
}

static void test_twin(void **state)
{
    (void)state;
    DataSet *train, *test, *memory;
    char pixels[BASE_HASH_HEX];
    start("twin");
    make_folder();
    for (int keeps = 0; keeps < 2; keeps++) {
        base_memory_set_budget(keeps ? 0 : 1);
        assert_ok(data_open(spec, &SMALL, &train, &test));
        assert_null(train->images);
        copy_in_memory(train, &memory);
        same_batches(train, memory, keeps);
        assert_ok(data_set_hash_pixels(train, pixels));
        assert_string_equal(pixels, memory->hash); /* the hash of earlier versions */
        assert_string_not_equal(train->hash, memory->hash);
        data_set_free(memory);
        data_set_free(train), data_set_free(test);
    }
}

/* Of a set that is too large to be decoded when it is opened, the first broken image of a batch ends it, on any number of
 * threads; batches before it come, and the loader can be freed. */
static void test_broken_later(void **state)
{
    (void)state;
    DataSet *train, *test;
    DataLoader *loader;
    DataBatch batch;
    start("later");
    make_folder();
    put("train/b/05.png", "rgb.png", 300);
    put("train/b/09.jpg", "rgb.jpg", 300);
    DataOptions o = {.resize = "3000x3000", .crop = "none"}; /* 18 times 27 MB */
    assert_ok(data_open(spec, &o, &train, &test));
    DataView view = data_view_all(train);
    const DataLoaderConfig config = {.batch = 4, .C = 3, .H = 3000, .W = 3000};
    base_memory_set_budget(1);
    assert_ok(data_loader_create(&view, &config, &loader));
    assert_ok(data_loader_start(loader, 0));
    BaseStatus st = BASE_OK;
    int64_t good = 0;
    while (st == BASE_OK && good < view.n) {
        st = data_loader_next(loader, &batch);
        good += batch.n;
    }
    assert_int_equal(st, BASE_EFORMAT);
    assert_non_null(strstr(base_error_text(), "train/b/05.png"));
    assert_non_null(strstr(base_error_text(), "broken: skip"));
    assert_int_equal(good, 12); /* twelve of class a, and 01 of b before it */
    data_loader_free(loader);
    data_set_free(train), data_set_free(test);
    base_memory_set_budget(0);
}

/* ------------------------------------------------------------ warnings of other threads */

static char warned[4000];
static void keep_message(void *user, BaseLogLevel level, const char *text)
{
    (void)level;
    assert_true(pthread_equal(*(pthread_t *)user, pthread_self()));
    snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", text);
}

/* As in the library, where a call's thread has a sink of its own: what a loader's threads find reaches it, on that thread. */
static void test_loader_warns(void **state)
{
    (void)state;
    DataSet *train, *test;
    DataLoader *loader;
    DataBatch batch;
    pthread_t self = pthread_self();
    char name[80];
    start("warns");
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "train/a/%d.png", i);
        put(name, "grey16.png", SIZE_MAX);
    }
    put("test/a/1.png", "rgb.png", SIZE_MAX);
    DataOptions o = {.resize = "3000x3000", .crop = "none"}; /* 10 times 27 MB: not decoded when it is opened */
    assert_ok(data_open(spec, &o, &train, &test));
    DataView view = data_view_all(train);
    const DataLoaderConfig config = {.batch = 1, .C = 3, .H = 3000, .W = 3000};
    base_memory_set_budget(1);
    assert_ok(data_loader_create(&view, &config, &loader));
    warned[0] = '\0';
    base_log_thread_sink(&(BaseLogSink){.message = keep_message, .user = &self});
    BaseStatus st = data_loader_start(loader, 0);
    if (st == BASE_OK) st = data_loader_next(loader, &batch);
    base_log_thread_sink(NULL);
    data_loader_free(loader);
    data_set_free(train), data_set_free(test);
    base_memory_set_budget(0);
    assert_ok(st);
    assert_non_null(strstr(warned, "is grey of 16 bits"));
}

static atomic_bool told;
/* The caller's thread waits, a minute at most, until another has taken a piece. */
static BaseStatus warn_elsewhere(void *user, int64_t i)
{
    (void)user, (void)i;
    if (omp_get_thread_num() > 0 && !atomic_exchange(&told, true)) base_warning("said elsewhere");
    for (int wait = 0; omp_get_thread_num() == 0 && !atomic_load(&told) && wait < 60000; wait++) usleep(1000);
    return BASE_OK;
}

static void test_parallel_warns(void **state)
{
    (void)state;
    const int threads = omp_get_max_threads();
    pthread_t self = pthread_self();
    omp_set_num_threads(2);
    warned[0] = '\0';
    base_log_thread_sink(&(BaseLogSink){.message = keep_message, .user = &self});
    BaseStatus st = data_parallel(8, warn_elsewhere, NULL, NULL);
    base_log_thread_sink(NULL);
    omp_set_num_threads(threads);
    assert_ok(st);
    assert_string_equal(warned, "said elsewhere\n");
}

static BaseStatus read_once(void *user)
{
    (void)user;
    BaseStatus st = BASE_OK;
    DataSet *train, *test;
    DataLoader *loader = NULL;
    DataBatch batch = {.n = 1};
    const DataLoaderConfig config = {.batch = 16, .C = 3, .H = 20, .W = 20};
    BASE_TRY(data_open(spec, &SMALL, &train, &test));
    DataView view = data_view_all(train);
    BASE_TRY(data_loader_create(&view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    while (batch.n > 0) BASE_TRY(data_loader_next(loader, &batch));
out:
    data_loader_free(loader);
    data_set_free(train), data_set_free(test);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    start("memory");
    put("train/a/1.png", "rgb.png", SIZE_MAX);
    put("train/b/1.png", "grey.png", SIZE_MAX);
    put("test/a/1.png", "rgb.png", SIZE_MAX);
    support_fail_allocations(read_once, NULL, 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_kept),         cmocka_unit_test(test_hashes),         cmocka_unit_test(test_twin),
    cmocka_unit_test(test_waits),        cmocka_unit_test(test_broken_later),   cmocka_unit_test(test_no_memory),
    cmocka_unit_test(test_loader_warns), cmocka_unit_test(test_parallel_warns),
};
SUPPORT_MAIN(tests)
