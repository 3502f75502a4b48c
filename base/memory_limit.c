/* base/memory_limit.c - the least of installed memory, control groups (v1 and v2) and ulimit -v. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/system.h"
#include "base/text.h"

/* The number that a file holds; INT64_MAX for "max", for one that is not a number, and where there is no such file. */
static int64_t file_number(const char *path)
{
    char text[64] = "";
    int64_t number;
    FILE *file = fopen(path, "r");
    if (!file) return INT64_MAX;
    bool got = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return got && base_parse_i64(text, &number) && number > 0 ? number : INT64_MAX;
}

/* The least of a group's limit and those of the groups around it. In a container the group's own path often is not to
 * be seen, but the mount's root is its limit. */
static int64_t group_limit(const char *mount, char *group, const char *name)
{
    char path[4096];
    int64_t least = INT64_MAX;
    for (;;) {
        int length = snprintf(path, sizeof path, "%s%s/%s", mount, group, name);
        int64_t limit = length < (int)sizeof path ? file_number(path) : INT64_MAX;
        least = base_smaller(limit, least);
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = '\0';
    }
}

int64_t base_memory_cgroup(const char *root)
{
    char line[4096], mount[4096];
    int64_t least = INT64_MAX;
    snprintf(mount, sizeof mount, "%s/proc/self/cgroup", root);
    FILE *file = fopen(mount, "r");
    while (file && fgets(line, sizeof line, file)) { /* "0::/group" is v2, "4:cpu,memory:/group" v1 */
        line[strcspn(line, "\n")] = '\0';
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (!group) continue;
        *names++ = '\0';
        *group++ = '\0';
        bool second = strcmp(line, "0") == 0 && !*names, first = false;
        for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
            first = first || strcmp(name, "memory") == 0;
        if (!first && !second) continue;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, first ? "/memory" : "");
        int64_t limit = group_limit(mount, group, first ? "memory.limit_in_bytes" : "memory.max");
        least = base_smaller(limit, least);
    }
    if (file) fclose(file);
    return least;
}

static int64_t space_limit(void)
{
    struct rlimit space;
    bool limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY && space.rlim_cur < INT64_MAX;
    return limited ? (int64_t)space.rlim_cur : INT64_MAX;
}

int64_t base_memory_limit(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int64_t least = pages > 0 && size > 0 ? pages * size : INT64_MAX, group = base_memory_cgroup(""),
            space = space_limit();
    return base_smaller(least, base_smaller(group, space));
}

int64_t base_memory_space_left(void)
{
    int64_t limit = space_limit();
    if (limit == INT64_MAX) return limit;
    int64_t left = limit - base_system_mapped_memory();
    return base_larger(left, 0);
}
