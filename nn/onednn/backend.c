/* nn/onednn/backend.c - what this back end says of itself and of the CPU. */
#include "nn/backend.h"

#include <string.h>

#include "base/log.h"
#include "nn/onednn/kit/kit.h"
#include "nn/onednn/ops/conv/conv.h"

static const char *const PRECISIONS[] = {"f32", "bf16"};

const char *nn_precision_name(NnPrecision precision) { return PRECISIONS[precision]; }

BaseStatus nn_precision_parse(const char *text, NnPrecision *out)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(text, PRECISIONS[i]) == 0) {
            *out = (NnPrecision)i;
            return BASE_OK;
        }
    return base_error_set(BASE_EUSAGE, "precision '%s': must be f32 or bf16", text);
}

NnPrecision nn_precision_available(NnPrecision wanted)
{
    if (wanted == NN_F32 || nn_isa_has_bf16()) return wanted;
    base_notice("this CPU has no bf16 instructions: running in f32");
    return NN_F32;
}

const char *nn_backend_isa(void) { return nn_isa_name(); }

bool nn_backend_possible(const NnTuningRow *row)
{
    bool bf16 = strstr(row->isa, "bf16") || strstr(row->isa, "amx") || strcmp(row->isa, "generic") == 0;
    if (row->precision == NN_BF16 && !bf16) return false;
    switch (row->algorithm) {
    case NN_CONV_UNFOLD: return nn_unfold_possible(row);
    case NN_CONV_WINOGRAD: return nn_winograd_possible(row);
    default: return true;
    }
}
