/* Copies among images: what is joined, what is not, and how they are counted. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audit/copies.h"
#include "base/random.h"

enum { EACH = 20, SIDE = 32, PLANE = SIDE * SIDE };
static uint8_t pixels[2][EACH * PLANE];
static DataSet sets[2];
static SessionData data;

/* Smooth pictures, each of its own waves. */
static void paint(uint8_t *to, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "picture", 0);
    double a[4];
    for (int k = 0; k < 4; k++) a[k] = 6 * base_random_uniform(&r);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double v = sin(a[0] + a[1] * x / 8) + cos(a[2] + a[3] * y / 8) + sin(a[1] * (x + y) / 16);
            to[y * SIDE + x] = (uint8_t)(128 + 30 * v);
        }
}

static AuditSignals signals_make(void)
{
    AuditSignals s = {.N = 2 * EACH};
    assert_ok(BASE_ALLOC(s.N, &s.group));
    assert_ok(BASE_ALLOC(s.N, &s.point));
    for (int64_t i = 0; i < s.N; i++) {
        s.group[i] = i < EACH ? AUDIT_FORGET_TRAIN : AUDIT_FORGET_TEST;
        s.point[i] = (ModelPoint){i % EACH, i >= EACH};
        paint(pixels[i / EACH] + i % EACH * PLANE, 100 + (uint64_t)i);
    }
    for (int k = 0; k < 2; k++)
        sets[k] = (DataSet){.N = EACH, .K = 1, .C = 1, .H = SIDE, .W = SIDE, .type = DATA_U8, .images = pixels[k]};
    data = (SessionData){.train = &sets[0], .test = &sets[1]};
    return s;
}

static void near_copies_are_joined(void **state)
{
    (void)state;
    AuditSignals s = signals_make();
    AuditCopies n;
    assert_ok(audit_find_copies(&data, &s)); /* forty different pictures */
    assert_null(s.cluster);
    assert_ok(audit_count_copies(&s, &n));
    assert_int_equal(n.copies + n.across, 0);
    BaseRandom r = base_random_make(1, "noise", 0);
    for (int i = 0; i < PLANE; i++) {
        pixels[0][3 * PLANE + i] = pixels[0][i];                                       /* exact */
        pixels[0][4 * PLANE + i] = (uint8_t)(pixels[0][i] + base_random_below(&r, 5)); /* another compression */
        pixels[1][7 * PLANE + i] = (uint8_t)(pixels[0][9 * PLANE + i] / 2 + 40);       /* darker, and held out */
    }
    assert_ok(audit_find_copies(&data, &s));
    assert_non_null(s.cluster);
    assert_true(s.cluster[0] == s.cluster[3] && s.cluster[3] == s.cluster[4] && s.cluster[0] != s.cluster[1]);
    assert_true(s.cluster[9] == s.cluster[EACH + 7]);
    assert_ok(audit_count_copies(&s, &n));
    assert_int_equal(n.copies, 3);
    assert_int_equal(n.across, 1);
    audit_signals_free(&s);
}

/* Rows of numbers are no pictures: of them only exact copies count. */
static void rows_of_numbers(void **state)
{
    (void)state;
    AuditSignals s = signals_make();
    for (int k = 0; k < 2; k++) {
        sets[k].C = PLANE;
        sets[k].H = sets[k].W = 1;
    }
    for (int i = 0; i < PLANE; i++) {
        pixels[0][5 * PLANE + i] = pixels[0][6 * PLANE + i];
        pixels[0][7 * PLANE + i] = (uint8_t)(pixels[0][6 * PLANE + i] + (i == 8));
    }
    assert_ok(audit_find_copies(&data, &s));
    assert_non_null(s.cluster);
    assert_true(s.cluster[5] == s.cluster[6] && s.cluster[6] != s.cluster[7]);
    audit_signals_free(&s);
}

static BaseStatus once(void *user)
{
    AuditSignals s = *(AuditSignals *)user;
    AuditCopies n;
    s.cluster = NULL;
    BaseStatus st = audit_find_copies(&data, &s);
    if (st == BASE_OK) st = audit_count_copies(&s, &n);
    base_free(s.cluster);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    AuditSignals s = signals_make();
    memcpy(pixels[0], pixels[1], PLANE);
    support_fail_allocations(once, &s, 20);
    audit_signals_free(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(near_copies_are_joined),
    cmocka_unit_test(rows_of_numbers),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
