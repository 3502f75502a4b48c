/* api/files.c - the lock, and where the helper is. */
#include "api/files.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/call.h"
#include "base/system.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool told; /* which helper; under the lock */

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Beside the library (or the program that it is part of): in an installation, in the build folder, in a package that keeps
 * everything in one folder. */
static void find_helper(void)
{
    static const char *const PLACES[] = {"/../libexec/expunge", "/../../libexec/expunge", ""};
    char folder[4096], path[4200];
    bool known = base_system_file_of(PLACES, folder, sizeof folder);
    char *slash = known ? strrchr(folder, '/') : NULL;
    if (slash) *slash = '\0';
    for (size_t i = 0; slash && i < sizeof PLACES / sizeof *PLACES; i++) {
        snprintf(path, sizeof path, "%s%s/expunge-helper", folder, PLACES[i]);
        if (!is_program(path)) continue;
        base_system_set_helper(path);
        return;
    }
    base_system_set_helper("");
}

void api_files_begin(ApiFiles *files)
{
    pthread_mutex_lock(&lock);
    if (!told) find_helper();
    told = true;
    io_hdf5_manners_save(&files->manners);
}

void api_files_end(const ApiFiles *files)
{
    io_hdf5_manners_restore(&files->manners);
    pthread_mutex_unlock(&lock);
}

expunge_status expunge_set_helper(const char *path)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(path);
    BASE_CHECK(strlen(path) < 4096 && is_program(path), BASE_EIO, "%.200s: there is no such program", path);
    pthread_mutex_lock(&lock);
    base_system_set_helper(path);
    told = true;
    pthread_mutex_unlock(&lock);
out:
    return api_leave(&call, st);
}
