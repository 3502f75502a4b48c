/* io/hdf5_probe.c - a foreign HDF5 file is read whole by a child process before this process touches it.
 *
 * The child (this program again, so that no shell and no second binary is needed) walks every group, reads every
 * attribute, number array and text of the file, and says "ok" on its standard output; whatever else happens, a crash
 * and an endless loop included, is one line of BASE_EFORMAT. Its memory and processor time are limited.
 * What may be in the file at all is io/hdf5_check.h's to say, which the opening process asks once more. */
#include "io/hdf5_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/system.h"
#include "io/file.h"
#include "io/hdf5_check.h"
#include "io/hdf5_refused.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#ifndef WITH_SANITIZER
#define WITH_SANITIZER 0 /* the sanitizer itself reserves terabytes of addresses */
#endif

enum { SECONDS = 60, CPU_SECONDS = 15, BYTES_PER_SECOND = 20 << 20, ANSWER = 512 };
static const int64_t MEMORY = (int64_t)4 << 30, PIECE = (int64_t)8 << 20;

/* Of the clock, which other jobs may slow, and of the processor, which a file in circles burns. */
static int64_t allowed_seconds(int64_t size) { return SECONDS + size / BYTES_PER_SECOND; }
static int64_t allowed_work(int64_t size) { return CPU_SECONDS + size / BYTES_PER_SECOND; }

/* ---- the parent ---- */

typedef struct {
    char text[ANSWER];
    size_t size;
    bool late;
    int status;
    int64_t seconds; /* allowed */
    bool hurried;    /* fewer than usual, for what its folder cost already */
} Answer;

static void wait_for(pid_t pid, int fd, double deadline, Answer *answer)
{
    for (;;) {
        double left = deadline - base_clock_wall();
        struct pollfd want = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&want, 1, left > 1 ? 1000 : 1 + (int)(1000 * left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0 && left > 0) continue;
        answer->late = ready <= 0;
        if (ready <= 0) break;
        char spare[64];
        size_t room = sizeof answer->text - 1 - answer->size;
        ssize_t got = read(fd, room ? answer->text + answer->size : spare, room ? room : sizeof spare);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (room) answer->size += (size_t)got;
    }
    if (answer->late) kill(pid, SIGKILL);
    while (waitpid(pid, &answer->status, 0) < 0 && errno == EINTR) continue;
    answer->text[answer->size] = '\0';
    for (char *c = answer->text; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' '; /* names in the file may hold anything */
}

/* The child needs no threads; everything else of the environment stays. *out and its last entry are the caller's. */
static BaseStatus child_environment(char ***out)
{
    size_t n = 0, kept = 0;
    while (environ[n]) n++;
    BaseStatus st = BASE_ALLOC(n + 2, out);
    if (st != BASE_OK) return st;
    static char one[] = "OMP_NUM_THREADS=1";
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "OMP_NUM_THREADS=", 16) != 0) (*out)[kept++] = environ[i];
    (*out)[kept] = one;
    return BASE_OK;
}

static int start(const char *program, const char *path, int write_end, char **environment, pid_t *pid)
{
    char option[] = IO_HDF5_PROBE, name[] = "expunge";
    char *argv[] = {name, option, (char *)path, NULL}; /* posix_spawn does not write to it */
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc) return rc;
    rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc) rc = posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
    if (!rc) rc = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc) rc = posix_spawn(pid, program, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static BaseStatus judge(const char *path, int64_t size, const Answer *answer)
{
    if (answer->late)
        return base_error_set(BASE_EFORMAT, "%s: not a readable HDF5 file (reading it took more than %lld seconds%s)",
                              path, (long long)answer->seconds,
                              answer->hurried ? ", and other damaged files in its folder took a minute before" : "");
    if (WIFSIGNALED(answer->status) && WTERMSIG(answer->status) == SIGXCPU)
        return base_error_set(BASE_EFORMAT,
                              "%s: not a readable HDF5 file (reading it took more than %lld seconds of work)", path,
                              (long long)allowed_work(size));
    if (WIFSIGNALED(answer->status))
        return base_error_set(BASE_EFORMAT, "%s: not a readable HDF5 file (libhdf5 was killed by signal %d, %s)", path,
                              WTERMSIG(answer->status), strsignal(WTERMSIG(answer->status)));
    if (strcmp(answer->text, "ok") == 0) return BASE_OK;
    if (strncmp(answer->text, "no: ", 4) == 0)
        return base_error_set(BASE_EFORMAT, "%s: not a readable HDF5 file (%s)", path, answer->text + 4);
    return base_error_set(BASE_EFORMAT, "%s: not a readable HDF5 file (the reading process ended with status %d)", path,
                          WEXITSTATUS(answer->status));
}

static BaseStatus ask(const char *path, int64_t size)
{
    BaseStatus st = BASE_OK;
    char **environment = NULL;
    int ends[2] = {-1, -1};
    pid_t pid;
    Answer answer = {.seconds = allowed_seconds(size), .hurried = io_hdf5_folder_spent(path)};
    if (answer.hurried) answer.seconds = IO_HDF5_AFTER_SECONDS + size / BYTES_PER_SECOND;
    const char *program;
    BASE_TRY(base_system_program(&program));
    BASE_TRY(child_environment(&environment));
    BASE_CHECK(base_system_pipe(ends) == 0, BASE_EIO, "%s: no pipe to the reading process: %s", path, strerror(errno));
    int rc = start(program, path, ends[1], environment, &pid);
    BASE_CHECK(rc == 0, BASE_EIO, "%s: the reading process cannot be started: %s", path, strerror(rc));
    close(ends[1]);
    ends[1] = -1;
    wait_for(pid, ends[0], base_clock_wall() + (double)answer.seconds, &answer);
    st = judge(path, size, &answer);
out:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    base_free(environment);
    return st;
}

BaseStatus io_hdf5_probe(const char *path, int64_t size)
{
    char text[IO_HDF5_REFUSED_TEXT];
    if (io_hdf5_refused(path, text)) return base_error_set(BASE_EFORMAT, "%s", text);
    double start = base_clock_wall();
    BaseStatus st = ask(path, size);
    if (st == BASE_EFORMAT) io_hdf5_refuse(path, base_clock_wall() - start, base_error_text());
    return st;
}

/* ---- the child ---- */

static BaseStatus read_pieces(hid_t data, const char *name, const IoH5Info *info, hid_t space, const hsize_t *unit)
{
    BaseStatus st = BASE_OK;
    void *buffer = NULL;
    hid_t memory = H5I_INVALID_HID, type = io_hdf5_memory_type(info->stored);
    hsize_t block[IO_H5_DIMS] = {1}, at[IO_H5_DIMS] = {0}, take[IO_H5_DIMS] = {1};
    int64_t bytes = (int64_t)io_hdf5_type_size(info->stored) * info->count;
    int ndim = info->ndim;
    for (int d = 0; d < ndim; d++) { /* rows first; whole chunks, or each would be unpacked again and again */
        hsize_t all = (hsize_t)info->shape[d], keep = all;
        if (bytes > PIECE) {
            keep = (hsize_t)((double)all * (double)PIECE / (double)bytes);
            keep = (keep / unit[d] + 1) * unit[d];
            if (keep > all) keep = all;
        }
        bytes = bytes / (int64_t)all * (int64_t)keep;
        block[d] = keep;
    }
    BASE_TRY(base_alloc_raw((size_t)bytes, 1, &buffer));
    for (bool more = true; more;) {
        if (ndim > 0) {
            for (int d = 0; d < ndim; d++) {
                hsize_t left = (hsize_t)info->shape[d] - at[d];
                take[d] = left < block[d] ? left : block[d];
            }
            H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, take, NULL);
        }
        memory = ndim > 0 ? H5Screate_simple(ndim, take, NULL) : H5Screate(H5S_SCALAR);
        BASE_CHECK(memory >= 0 && H5Dread(data, type, memory, space, H5P_DEFAULT, buffer) >= 0, BASE_EFORMAT,
                   "%.100s cannot be read: %s", name, io_hdf5_reason());
        H5Sclose(memory);
        memory = H5I_INVALID_HID;
        more = false;
        for (int d = ndim - 1; d >= 0 && !more; d--) {
            at[d] += take[d];
            more = at[d] < (hsize_t)info->shape[d];
            if (!more) at[d] = 0;
        }
    }
out:
    if (memory >= 0) H5Sclose(memory);
    base_free(buffer);
    return st;
}

static BaseStatus read_texts(hid_t object, bool attribute, const char *name)
{
    char **texts;
    size_t count;
    BaseStatus st = io_hdf5_texts(object, attribute, name, &texts, &count);
    if (st == BASE_OK) io_names_free(texts, count);
    return st == BASE_ELIMIT ? BASE_OK : st; /* refused by the reader too, where it is asked for */
}

static BaseStatus read_data(hid_t data, const char *name, const hsize_t *unit)
{
    BaseStatus st = BASE_OK;
    IoH5Info info = {0};
    hid_t type = H5Dget_type(data), space = H5Dget_space(data);
    BASE_CHECK(type >= 0 && space >= 0, BASE_EFORMAT, "%.100s: %s", name, io_hdf5_reason());
    if (!io_hdf5_extent(space, &info)) goto out; /* nobody reads it */
    if (H5Tget_class(type) == H5T_STRING) BASE_TRY(read_texts(data, false, name));
    if (info.count > 0 && io_hdf5_number(type, &info.stored, &info.is_float))
        BASE_TRY(read_pieces(data, name, &info, space, unit));
out:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return st;
}

static BaseStatus read_numbers(hid_t attribute, hid_t type, const char *name)
{
    BaseStatus st = BASE_OK;
    IoH5Info info = {0};
    double *values = NULL;
    hid_t space = H5Aget_space(attribute);
    BASE_CHECK(space >= 0, BASE_EFORMAT, "attribute %.100s: %s", name, io_hdf5_reason());
    if (!io_hdf5_number(type, &info.stored, &info.is_float) || !io_hdf5_extent(space, &info) || !info.count) goto out;
    BASE_TRY(BASE_ALLOC(info.count, &values));
    BASE_CHECK(H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0, BASE_EFORMAT, "attribute %.100s cannot be read: %s",
               name, io_hdf5_reason());
out:
    base_free(values);
    if (space >= 0) H5Sclose(space);
    return st;
}

static herr_t read_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user)
{
    (void)info;
    BaseStatus st = BASE_OK;
    hid_t type = H5I_INVALID_HID, attribute = H5Aopen(object, name, H5P_DEFAULT);
    BASE_CHECK(attribute >= 0, BASE_EFORMAT, "attribute %.100s: %s", name, io_hdf5_reason());
    type = H5Aget_type(attribute);
    BASE_CHECK(type >= 0, BASE_EFORMAT, "attribute %.100s: %s", name, io_hdf5_reason());
    if (H5Tget_class(type) == H5T_STRING)
        BASE_TRY(read_texts(attribute, true, name));
    else
        BASE_TRY(read_numbers(attribute, type, name));
out:
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    *(BaseStatus *)user = st;
    return st == BASE_OK ? 0 : -1;
}

static BaseStatus read_object(void *user, const IoHdf5Object *object)
{
    (void)user;
    BaseStatus st = BASE_OK, inner = BASE_OK;
    herr_t rc = H5Aiterate2(object->id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, read_attribute, &inner);
    BASE_TRY(inner);
    BASE_CHECK(rc >= 0, BASE_EFORMAT, "attributes of %.100s: %s", object->name, io_hdf5_reason());
    if (object->type == H5O_TYPE_DATASET) BASE_TRY(read_data(object->id, object->name, object->chunk));
out:
    return st;
}

/* Where the process is held tighter already, setting fails and the tighter limit stays. */
static void limit_itself(int64_t seconds)
{
    setrlimit(RLIMIT_CPU, &(struct rlimit){(rlim_t)seconds, (rlim_t)seconds + 5});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (!WITH_SANITIZER) setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)MEMORY, (rlim_t)MEMORY});
}

static BaseStatus walk_file(const char *path)
{
    BaseStatus st = BASE_OK;
    int64_t size;
    hid_t id = H5I_INVALID_HID;
    BASE_TRY(io_file_size(path, &size));
    limit_itself(allowed_work(size));
    io_hdf5_quiet();
    id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    BASE_CHECK(id >= 0, BASE_EFORMAT, "%s", io_hdf5_reason());
    BASE_TRY(io_hdf5_check(id, size, read_object, NULL));
out:
    if (id >= 0) H5Fclose(id);
    return st;
}

int io_hdf5_probe_main(const char *path)
{
    BaseStatus st = walk_file(path);
    H5close(); /* its cleaning up may crash as well, so it comes before the answer */
    char answer[ANSWER];
    int size = snprintf(answer, sizeof answer, st == BASE_OK ? "ok" : "no: %.480s", base_error_text());
    ssize_t sent = write(STDOUT_FILENO, answer, (size_t)size);
    return st == BASE_OK && sent == size ? 0 : 1;
}
