/* What a host notices of the library: nothing. Its locale, floating-point modes and flags, signal handlers, environment,
 * thread settings and standard streams are compared before and after calls. */
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/api/world.h"

extern int openblas_get_num_threads(void);

enum { SIGNALS = 32 };

static World world;
static const char *const OPTIONS[] = {"attacks=loss", "draws=100"};

/* A small network, from a file to a file. */
static void use_model(void)
{
    static float logits[4000 * 4];
    expunge_data *data;
    expunge_model *model, *unlearned;
    char *json;
    assert_done(expunge_data_open("gaussians", NULL, 0, &data));
    assert_done(expunge_model_open(support_fixture("pytorch_beside.pt"), NULL, data, NULL, 0, &model));
    assert_done(expunge_model_logits(model, "test", logits, 4000, 4));
    assert_done(expunge_unlearn(model, "svd", "3", NULL, 0, &unlearned, &json));
    expunge_free(json);
    assert_done(expunge_model_evaluate(unlearned, "test", "3", &json));
    expunge_free(json);
    assert_done(expunge_model_save(unlearned, support_at("unlearned.h5")));
    expunge_model_free(unlearned), expunge_model_free(model);
    expunge_data_free(data);
}

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
    use_model();
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
    float *x = numbers(EDIT_ROWS * EDIT_FEATURES, 1), plain[EDIT_OUTPUTS * EDIT_FEATURES],
          other[EDIT_OUTPUTS * EDIT_FEATURES];
    char file[1024];
    IoHdf5Manners usual; /* of a host whose libhdf5 prints its errors */
    io_hdf5_manners_save(&usual);
    world_make(&world);
    snprintf(file, sizeof file, "%s", support_at("signals.h5"));
    world_write_target(&world, file);
    io_hdf5_manners_restore(&usual);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(2); /* before OpenBLAS is called, which takes its number from here */
    world_edit(x, plain);
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
    world_edit(x, other);
    measure(file);
    look(&after);
    fesetround(FE_TONEAREST);
    omp_set_num_threads(threads);
    uselocale(locale);
    freelocale(own);
    signal(SIGCHLD, SIG_IGN); /* then there is no child to wait for */
    measure(file);
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

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_host)};

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
