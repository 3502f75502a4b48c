/* store/schema.c - the table of paths, and looking one up. */
#include "store/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Of shapes: K classes, M metrics, L layers, f features, n images, T trials, R repeats, E epochs, G places of a grid, P
 * thresholds. */
const StoreRow store_schema[] = {
    {"/", "attributes",
     "schema id status reason experiment kind method label order title arch data seed unlearn_seed forget forget_names "
     "forget_map in_turn control rank",
     "", STORE_LIGHT},
    {"/meta", "attributes",
     "config config_hash command program libraries blas_core cpu threads started precision tuning_hash "
     "data_hash preprocessing validation original_hash weights_hash weights_file reference_hash peer_seed "
     "original_weights retrained_weights logits_only samples_retain samples_forget evaluate_seconds",
     "", STORE_LIGHT},
    {"/params", "attributes", "_", "", STORE_LIGHT},
    {"/metrics/names", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/splits", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/titles", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/units", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/ideals", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/directions", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/roles", "text", "[M]", "", STORE_LIGHT},
    {"/metrics/least", "float64", "[M]", "units", STORE_LIGHT},
    {"/metrics/most", "float64", "[M]", "units", STORE_LIGHT},
    {"/metrics/decimals", "int64", "[M]", "", STORE_LIGHT},
    {"/metrics/in_results", "int64", "[M]", "", STORE_LIGHT},
    {"/metrics/in_scores", "int64", "[M]", "", STORE_LIGHT},
    {"/metrics/value", "float64", "[M]", "units", STORE_LIGHT},
    {"/metrics/lo", "float64", "[M]", "units", STORE_LIGHT},
    {"/metrics/hi", "float64", "[M]", "units", STORE_LIGHT},
    {"/metrics/n", "int64", "[M]", "", STORE_LIGHT},
    {"/confusion", "attributes", "first last", "", STORE_HEAVY},
    {"/confusion/test", "int64", "[K,K]", "images", STORE_HEAVY},
    {"/confusion/test_original", "int64", "[K,K]", "images", STORE_HEAVY},
    {"/class_names", "text", "[K]", "", STORE_HEAVY},
    {"/command", "attributes", "said", "", STORE_LIGHT},
    {"/layers/names", "text", "[L]", "", STORE_LIGHT},
    {"/layers/<figure>", "float64", "[L]", "", STORE_LIGHT},
    {"/weights/names", "text", "[L]", "", STORE_LIGHT},
    {"/weights/change", "float64", "[L]", "share", STORE_LIGHT},
    {"/representation", "attributes", "n", "", STORE_LIGHT},
    {"/representation/names", "text", "[L]", "", STORE_LIGHT},
    {"/representation/<figure>", "float64", "[L]", "", STORE_LIGHT},
    {"/spectra/<layer>", "attributes", "alpha_retain alpha_forget", "", STORE_HEAVY},
    {"/spectra/<layer>/retain", "float64", "[f]", "share", STORE_HEAVY},
    {"/spectra/<layer>/forget", "float64", "[f]", "share", STORE_HEAVY},
    {"/attacks/<label>", "attributes",
     "attack label wiring question params weights_hash auc_ efficacy_ member_share_ balanced_accuracy_ "
     "threshold own_threshold fitted epsilon_lower epsilon_largest number_ tpr_ P N audited headline notes "
     "seconds failed",
     "share", STORE_LIGHT},
    {"/attacks/<label>/fpr", "float64", "[P]", "share", STORE_HEAVY},
    {"/attacks/<label>/tpr", "float64", "[P]", "share", STORE_HEAVY},
    {"/attacks/<label>/score", "float64", "[n]", "", STORE_HEAVY},
    {"/attacks/<label>/fold", "int32", "[n]", "", STORE_HEAVY},
    {"/attacks/<label>/role", "uint8", "[n]", "", STORE_HEAVY},
    {"/signals/<set>/confidence", "float64", "[n]", "share", STORE_PRIVATE},
    {"/signals/<set>/loss", "float64", "[n]", "nat", STORE_PRIVATE},
    {"/search", "attributes", "chosen grid objective budget sets sets_named method n seconds passes evaluations key",
     "", STORE_LIGHT},
    {"/search/settings", "text", "[T]", "", STORE_LIGHT},
    {"/search/score", "float64", "[T]", "share", STORE_LIGHT},
    {"/search/acc_retain", "float64", "[T]", "percent", STORE_LIGHT},
    {"/search/acc_forget", "float64", "[T]", "percent", STORE_LIGHT},
    {"/search/trial_seconds", "float64", "[T]", "s", STORE_LIGHT},
    {"/search/point", "int64", "[T]", "", STORE_LIGHT},
    {"/search/<parameter>", "float64", "[T]", "", STORE_LIGHT},
    {"/relearn", "attributes", "limit judged retain_steps", "", STORE_LIGHT},
    {"/relearn/steps", "int64", "[R]", "steps", STORE_LIGHT},
    {"/relearn/reached", "uint8", "[R]", "", STORE_LIGHT},
    {"/relearn/recovered", "int64", "[R]", "images", STORE_LIGHT},
    {"/history/loss", "float64", "[E]", "nat", STORE_LIGHT},
    {"/history/accuracy", "float64", "[E]", "share", STORE_LIGHT},
    {"/history/lr", "float64", "[E]", "", STORE_LIGHT},
    {"/history/seconds", "float64", "[E]", "s", STORE_LIGHT},
    {"/each", "attributes", "family _", "", STORE_LIGHT},
    {"/saliency/pictures", "float32", "[n,C,H,W]", "", STORE_PRIVATE},
    {"/saliency/labels", "int32", "[n]", "", STORE_PRIVATE},
    {"/saliency/forgotten", "uint8", "[n]", "", STORE_PRIVATE},
    {"/saliency/maps", "float32", "[n,h,w]", "", STORE_PRIVATE},
    {"/saliency/predicted", "int32", "[n]", "", STORE_PRIVATE},
    {"/saliency/confidence", "float64", "[n]", "share", STORE_PRIVATE},
    {"/saliency/maps_original", "float32", "[n,h,w]", "", STORE_PRIVATE},
    {"/saliency/predicted_original", "int32", "[n]", "", STORE_PRIVATE},
    {"/saliency/confidence_original", "float64", "[n]", "share", STORE_PRIVATE},
    {"/regions/x", "float64", "[G]", "", STORE_HEAVY},
    {"/regions/y", "float64", "[G]", "", STORE_HEAVY},
    {"/regions/label", "int32", "[G,G]", "", STORE_HEAVY},
    {"/regions/points", "float64", "[n,2]", "", STORE_HEAVY},
    {"/regions/point_label", "int32", "[n]", "", STORE_HEAVY},
    {NULL, NULL, NULL, NULL, STORE_LIGHT}};

/* Whether a row's path is @p path, or lies below it. */
static bool holds(const char *path, const char *row)
{
    if (!path[1]) return true; /* the root */
    while (*path == '/' && *row == '/') {
        size_t length = strcspn(++path, "/"), part = strcspn(++row, "/");
        if (*row != '<' && (length != part || memcmp(path, row, part) != 0)) return false;
        path += length;
        row += part;
    }
    return !*path;
}

StoreWeight store_schema_weight(const char *path)
{
    StoreWeight least = STORE_PRIVATE;
    bool found = false;
    for (const StoreRow *row = store_schema; row->path; row++) {
        if (!holds(path, row->path)) continue;
        found = true;
        if (row->weight < least) least = row->weight;
    }
    return found ? least : STORE_LIGHT;
}
