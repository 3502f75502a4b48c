/* What a host notices of the library: nothing. Its locale, floating-point modes and flags, signal handlers, environment,
 * thread settings and standard streams are compared before and after calls; threads with handles of their own get what one
 * thread gets. */
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/api/world.h"

extern int openblas_get_num_threads(void);

enum { F = 40, N = 600, OUT = 30, SIGNALS = 32 };

static void edit(const float *x, float *out)
{
    expunge_space *retain, *forget;
    assert_done(expunge_space_create(F, 0, NULL, &retain));
    assert_done(expunge_space_create(F, N / 2, "eigen", &forget));
    assert_done(expunge_space_add(retain, x, N, F, EXPUNGE_F32));
    assert_done(expunge_space_add(forget, x + N / 2 * F, N / 2, F, EXPUNGE_F32));
    assert_done(expunge_space_finish(retain));
    assert_done(expunge_space_finish(forget));
    assert_done(expunge_edit(retain, forget, x, OUT, F, EXPUNGE_F32, 100, 3, out, F, NULL));
    expunge_space_free(retain), expunge_space_free(forget);
}

static World world;
static const char *const OPTIONS[] = {"attacks=loss", "draws=100"};

/* Everything else, files and processes included. */
static void measure(const char *file)
{
    double score[4] = {3, 1, 2, 0};
    expunge_estimate auc;
    expunge_signals *s;
    expunge_attacks *a;
    char *json;
    assert_done(expunge_auc(score, (uint8_t[]){1, 0, 1, 0}, 4, 0.95, &auc));
    assert_done(expunge_signals_open(file, &s));
    assert_done(expunge_attack(s, "loss,svc", NULL, 0, 0, &a));
    expunge_attacks_free(a);
    expunge_signals_free(s);
    s = world_models(&world);
    assert_done(expunge_audit(s, support_at("audit"), OPTIONS, 2, &json));
    expunge_free(json);
    expunge_signals_free(s);
    assert_refused(expunge_signals_open("/nowhere", &s), EIO, "/nowhere");
    expunge_trim();
}

static void handler(int signal) { (void)signal; }

/* All that is compared. */
typedef struct {
    void (*handler[SIGNALS])(int); /* what else struct sigaction has is not all set by libc */
    int flags[SIGNALS];
    bool blocked[SIGNALS];
    char **entry, *value[512];
    int threads, dynamic, blas, rounding, raised;
    locale_t locale;
    char number[16], folder[1024];
    mode_t umask;
    long stderr_bytes, stdout_bytes;
    IoHdf5Manners hdf5;
} Host;

static long bytes_of(int fd) { return (long)lseek(fd, 0, SEEK_CUR); }

static void look(Host *h)
{
    memset(h, 0, sizeof *h);
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int s = 1; s < SIGNALS; s++) {
        struct sigaction action;
        sigaction(s, NULL, &action);
        h->handler[s] = action.sa_handler;
        h->flags[s] = action.sa_flags;
        h->blocked[s] = sigismember(&mask, s);
    }
    h->entry = environ;
    for (int i = 0; environ[i] && i < 511; i++) h->value[i] = environ[i];
    h->threads = omp_get_max_threads();
    h->dynamic = omp_get_dynamic();
    h->blas = openblas_get_num_threads();
    h->rounding = fegetround();
    h->raised = fetestexcept(FE_ALL_EXCEPT);
    h->locale = uselocale((locale_t)0);
    snprintf(h->number, sizeof h->number, "%.1f", 0.5);
    assert_non_null(getcwd(h->folder, sizeof h->folder));
    h->umask = umask(022);
    umask(h->umask);
    h->stderr_bytes = bytes_of(STDERR_FILENO);
    h->stdout_bytes = bytes_of(STDOUT_FILENO);
    io_hdf5_manners_save(&h->hdf5);
}

static void test_host(void **state)
{
    (void)state;
    static Host before, after;
    float *x = numbers(N * F, 1), plain[OUT * F], other[OUT * F];
    char file[1024];
    IoHdf5Manners usual; /* of a host whose libhdf5 prints its errors */
    io_hdf5_manners_save(&usual);
    world_make(&world);
    snprintf(file, sizeof file, "%s", support_at("signals.h5"));
    world_write_target(&world, file);
    io_hdf5_manners_restore(&usual);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(2); /* before OpenBLAS is called, which takes its number from here */
    edit(x, plain);
    /* a host with settings of its own, its streams in files, whose sizes are seen */
    locale_t own = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0), locale = uselocale(own);
    const int streams[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    for (int i = 0; i < 2; i++) {
        int fd = open(support_at(i ? "err" : "out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        dup2(fd, i ? STDERR_FILENO : STDOUT_FILENO);
        close(fd);
    }
    for (int s = 1; s < SIGNALS; s++)
        if (s != SIGKILL && s != SIGSTOP && s != SIGSEGV && s != SIGBUS && s != SIGFPE && s != SIGILL && s != SIGABRT)
            signal(s, handler);
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_DIVBYZERO);
    look(&before);
    edit(x, other);
    measure(file);
    look(&after);
    fesetround(FE_TONEAREST);
    omp_set_num_threads(threads);
    uselocale(locale);
    freelocale(own);
    for (int s = 1; s < SIGNALS; s++) signal(s, SIG_DFL);
    for (int i = 0; i < 2; i++) dup2(streams[i], i ? STDERR_FILENO : STDOUT_FILENO), close(streams[i]);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(before.rounding, FE_UPWARD);
    assert_int_equal(before.threads, 2);
    assert_non_null(before.hdf5.print);
    assert_true(before.hdf5.plugins != 0);
    assert_memory_equal(other, plain, sizeof plain); /* and its rounding does not reach the result */
    base_free(x);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 5 };
typedef struct {
    const float *x;
    float out[OUT * F];
    char *json;
    int number, wrong;
} Job;

static char *attack(void)
{
    static const char *const SET[] = {"logistic.folds=3"};
    expunge_signals *s = world_target(&world);
    expunge_attacks *a;
    char *json;
    assert_done(expunge_attack(s, "loss,logistic", SET, 1, 3, &a));
    assert_ok(base_strdup(expunge_attacks_json(a), &json));
    expunge_attacks_free(a);
    expunge_signals_free(s);
    return json;
}

static void *work(void *user)
{
    Job *job = user;
    omp_set_num_threads(1); /* of this thread; as many as the one that it is compared with */
    for (int i = 0; i < ROUNDS; i++) {
        expunge_space *space;
        char want[64];
        edit(job->x, job->out);
        base_free(job->json);
        job->json = attack();
        snprintf(want, sizeof want, "features = %d:", -job->number);
        expunge_space_create(-job->number, 0, NULL, &space);
        job->wrong += strstr(expunge_error_text(), want) == NULL; /* its own sentence */
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    static Job job[THREADS];
    const int threads = omp_get_max_threads();
    float want[OUT * F];
    char *json;
    world_make(&world);
    for (int i = 0; i < THREADS; i++) job[i] = (Job){.x = numbers(N * F, 10 + (uint64_t)i), .number = i};
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, &job[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    assert_int_equal(omp_get_max_threads(), threads);
    omp_set_num_threads(1);
    json = attack();
    for (int i = 0; i < THREADS; i++) {
        assert_same_but(json, job[i].json, (const char *[]){"\"seconds\"", NULL});
        base_free(job[i].json);
        edit(job[i].x, want);
        assert_int_equal(job[i].wrong, 0);
        assert_memory_equal(job[i].out, want, sizeof want);
        base_free((void *)job[i].x);
    }
    base_free(json);
    omp_set_num_threads(threads);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_host), cmocka_unit_test(test_threads)};

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
