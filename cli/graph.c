/* cli/graph.c - `expunge inspect --graph`: an architecture as a graph file. */
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "nn/arch/arch.h"

enum { CLASSES = 10, CHANNELS = 3, SIDE = 32 }; /* where nothing says */

/* "224", "224x160" or "1x28x28"; what it does not say stays. */
static bool read_size(const char *text, int64_t shape[3])
{
    int64_t sides[3];
    int count = 0;
    char part[24];
    for (const char *at = text; count < 3; at++) {
        size_t length = strcspn(at, "x");
        if (length == 0 || length >= sizeof part) return false;
        memcpy(part, at, length);
        part[length] = '\0';
        if (!base_parse_i64(part, &sides[count++])) return false;
        at += length;
        if (!*at) break;
        if (count == 3) return false;
    }
    if (count == 1) sides[count++] = sides[0];
    memcpy(shape + 3 - count, sides, (size_t)count * sizeof *sides);
    return true;
}

BaseStatus cli_graph(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    const NnArch *arch;
    NnNet *net = NULL;
    BaseText text = {0};
    BASE_CHECK(!o->operands.count && !o->json, BASE_EUSAGE,
               "inspect: --graph takes neither a FILE nor --json: what it prints is JSON");
    BASE_TRY(nn_arch_find(o->graph, &arch));
    int64_t shape[3] = {arch->C ? arch->C : CHANNELS, arch->C ? arch->H : SIDE, arch->C ? arch->W : SIDE};
    BASE_CHECK(!o->image_size || read_size(o->image_size, shape), BASE_EUSAGE,
               "--image-size '%.100s': must be a number of pixels, HxW, or CxHxW", o->image_size);
    int64_t K = o->classes ? o->classes : arch->file ? arch->file->classes : CLASSES;
    BASE_TRY(nn_arch_build_at(arch, shape, K, false, &net));
    BASE_TRY(nn_graph_file_print(net, arch->file, &text));
    BASE_TRY(cli_print_text_take(&text));
out:
    base_text_free(&text);
    nn_net_free(net);
    return st;
}
