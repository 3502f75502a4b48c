/* session/places.c - a folder is known by a file that it must hold, so that no stranger's folder of that name is taken. */
#include "session/places.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/system.h"
#include "io/file.h"

enum { TRIES = 4 };
/* From the program's folder: PREFIX/bin; then build/, build/<mode>/ and build/mpi/<mode>/, of which the package's bin/ is like
 * the first. */
static const struct {
    const char *folders[TRIES], *holds;
} PLACES[] = {
    [SESSION_PLACE_CONFIGS] = {{"../share/expunge/configs", "../configs", "../../configs", "../../../configs"},
                               "demo.yaml"},
    [SESSION_PLACE_DOCS] = {{"../share/doc/expunge", "..", "../..", "../../.."}, "docs/signals.md"},
};

BaseStatus session_place_find(SessionPlace what, char **out)
{
    BaseStatus st = BASE_OK;
    char program[PATH_MAX], *folder = NULL, *file = NULL;
    *out = NULL;
    BASE_TRY(base_system_program_path(program, sizeof program));
    char *slash = strrchr(program, '/');
    if (!slash) goto out;
    *slash = '\0';
    for (int i = 0; i < TRIES && !*out; i++) {
        base_free(folder);
        base_free(file);
        folder = file = NULL;
        BASE_TRY(base_format(&folder, "%s/%s", program, PLACES[what].folders[i]));
        BASE_TRY(base_format(&file, "%s/%s", folder, PLACES[what].holds));
        if (io_path_exists(file)) BASE_TRY(io_path_full(folder, out));
    }
out:
    base_free(folder);
    base_free(file);
    return st;
}
