/* session/program.c - the libraries that this process has loaded are asked of the system. */
#include "session/program.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "base/system.h"
#include "math/threads.h"

BaseStatus session_threads_set(int64_t threads, int *used)
{
    BaseStatus st = math_threads_set(threads > 0 ? (int)threads : math_threads_get());
    if (used) *used = math_threads_get();
    return st;
}

int session_threads_share(int threads, int processes)
{
    return processes < threads ? threads / (processes > 0 ? processes : 1) : 1;
}

static const char *const STEMS[] = {"libdnnl", "libopenblas", "liblapacke", "libgomp", "libsvm", "libhdf5", "libjpeg",
                                    "libpng",  "libjansson",  "libnettle",  "libyaml", "libz.",  "libc."};

static void note_library(void *user, const char *path)
{
    char(*names)[128] = user;
    const char *slash = strrchr(path, '/');
    if (!slash || !strstr(slash, ".so")) return;
    for (size_t i = 0; i < BASE_COUNT(STEMS); i++)
        if (strncmp(slash + 1, STEMS[i], strlen(STEMS[i])) == 0) snprintf(names[i], sizeof names[i], "%s", slash + 1);
}

void session_libraries(BaseText *out)
{
    char names[BASE_COUNT(STEMS)][128] = {{0}};
    base_system_libraries(note_library, names);
    const char *blank = "";
    for (size_t i = 0; i < BASE_COUNT(STEMS);
         i++) { /* in the list's order: where they are loaded changes from run to run */
        if (!names[i][0]) continue;
        base_text_add(out, "%s%s", blank, names[i]);
        blank = " ";
    }
}
