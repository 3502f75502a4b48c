/* Archives past the limits of plain zip: 65535 records and 4 GiB. What lies below them is in test_pytorch.c. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "io/archive.h"

enum { MANY = 70000 };
static const size_t LARGE = ((size_t)4 << 30) + 100;

static void assert_record(IoArchive *archive, size_t index, const char *name, const char *content)
{
    char bytes[64] = "";
    assert_string_equal(io_archive_name(archive, index), name);
    assert_int_equal(io_archive_find(archive, name), index);
    assert_int_equal(io_archive_size(archive, index), strlen(content));
    assert_ok(io_archive_read(archive, index, bytes));
    assert_string_equal(bytes, content);
}

static void more_records_than_a_plain_zip(void **state)
{
    (void)state;
    IoArchiveWriter *writer;
    IoArchive *archive;
    char name[32];
    assert_ok(io_archive_create(support_at("many.zip"), &writer));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a/data/%d", i);
        assert_ok(io_archive_add(writer, name, name, strlen(name)));
    }
    assert_ok(io_archive_finish_take(writer));
    assert_ok(io_archive_open(support_at("many.zip"), &archive));
    assert_int_equal(io_archive_count(archive), MANY);
    for (int i = 0; i < MANY; i += MANY - 1) {
        snprintf(name, sizeof name, "a/data/%d", i);
        assert_record(archive, (size_t)i, name, name);
    }
    io_archive_close(archive);
    remove(support_at("many.zip"));
}

static int64_t peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss << 10;
}

/* A record of more than 4 GiB, one that lies behind it, and the directory behind both. The zeros are pages that nobody
 * wrote, which need no memory; the archive itself may take a little. */
static void larger_than_a_plain_zip(void **state)
{
    (void)state;
    if (!getenv("EXPUNGE_LONG")) skip();
    IoArchiveWriter *writer;
    IoArchive *archive;
    void *zeros = mmap(NULL, LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(zeros != MAP_FAILED);
    int64_t before = peak_memory();
    assert_ok(io_archive_create(support_at("large.zip"), &writer));
    assert_ok(io_archive_add(writer, "a/first", "first", 5));
    assert_ok(io_archive_add(writer, "a/large", zeros, LARGE));
    assert_ok(io_archive_add(writer, "a/behind", "behind", 6));
    assert_ok(io_archive_finish_take(writer));
    assert_ok(io_archive_open(support_at("large.zip"), &archive));
    assert_true(io_archive_unpacked(archive) > (int64_t)LARGE);
    assert_int_equal(io_archive_count(archive), 3);
    assert_record(archive, 0, "a/first", "first");
    assert_int_equal(io_archive_size(archive, 1), LARGE);
    assert_record(archive, 2, "a/behind", "behind");
    io_archive_close(archive);
    assert_true(peak_memory() - before < (int64_t)64 << 20);
    munmap(zeros, LARGE);
    remove(support_at("large.zip"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(more_records_than_a_plain_zip),
    cmocka_unit_test(larger_than_a_plain_zip),
};
SUPPORT_MAIN(tests)
