/* bf16 products on blocks, against one value at a time. */
#include "nn/backend.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/backend.h"
#include "tests/support/support.h"

static double value_of(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* Products of two bf16 are exact in float32, so what is left is the rounding of a float32 sum of K + 1 terms of at most
 * 1 in size: K^1.5 2^-24, at K = 700 1.1e-3 were all terms of one sign; random signs keep the sums below 5 sqrt(K), so
 * 1e-3 has room. Rounding to bf16 anywhere on the way would cost 2^-9 of sums of about 9, 0.02. */
static void test_product(void **state)
{
    (void)state;
    static const int64_t SHAPES[][3] = {{1, 1, 1}, {70, 33, 5}, {65, 130, 700}, {300, 96, 64}, {3, 5, 0}};
    if (nn_precision_available(NN_BF16) != NN_BF16) skip();
    NnGram *gram;
    assert_ok(nn_gram_create(&gram));
    for (int i = 0; i < 5; i++) {
        for (int dual = 0; dual < 2; dual++) {
            int64_t M = SHAPES[i][0], N = SHAPES[i][1], K = SHAPES[i][2], ldc = N + 7;
            int64_t lda = (dual ? K : M) + 3, ldb = (dual ? K : N) + 11;
            uint16_t *a, *b;
            float *c;
            BaseRandom r = base_random_make(7, "test", (uint64_t)i);
            assert_ok(BASE_ALLOC((dual ? M : K) * lda + 1, &a));
            assert_ok(BASE_ALLOC((dual ? N : K) * ldb + 1, &b));
            assert_ok(BASE_ALLOC(M * ldc, &c));
            /* sign, exponent of 1/2 or 1/4, seven random bits */
            for (int64_t j = 0; j < (dual ? M : K) * lda; j++)
                a[j] = (uint16_t)(base_random_below(&r, 2) << 15 | (0x3e80 + base_random_below(&r, 256)));
            for (int64_t j = 0; j < (dual ? N : K) * ldb; j++)
                b[j] = (uint16_t)(base_random_below(&r, 2) << 15 | (0x3e80 + base_random_below(&r, 256)));
            for (int64_t j = 0; j < M * ldc; j++) c[j] = 0.5F;
            assert_ok(nn_gram_product(gram, dual, M, N, K, a, lda, b, ldb, c, ldc));
            for (int64_t m = 0; m < M; m++)
                for (int64_t n = 0; n < ldc; n++) {
                    double want = 0.5;
                    for (int64_t k = 0; n < N && k < K; k++)
                        want += value_of(dual ? a[m * lda + k] : a[k * lda + m]) *
                                value_of(dual ? b[n * ldb + k] : b[k * ldb + n]);
                    assert_near((double)c[m * ldc + n], want, 1e-3, 0);
                }
            base_free(a);
            base_free(b);
            base_free(c);
        }
    }
    nn_gram_free(gram);
}

static void test_no_memory(void **state)
{
    (void)state;
    NnGram *gram;
    base_memory_fail_at(1);
    assert_fails(nn_gram_create(&gram), BASE_ENOMEM, "memory");
    base_memory_fail_at(0);
    assert_null(gram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_product), cmocka_unit_test(test_no_memory)};
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
