/* A YAML document and, after zero bytes, assignments as `--set` takes them. A list or map that was read and is printed
 * on one line must be read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "tests/fuzz/fuzz.h"

enum { KEY_MOST = 300 }; /* bytes; libyaml takes a key of 1024 characters, and one may become 6 when quoted */

static bool short_keys(const BaseYaml *node)
{
    for (size_t i = 0; i < node->count; i++)
        if ((node->items[i]->key && strlen(node->items[i]->key) > KEY_MOST / 2) || !short_keys(node->items[i]))
            return false;
    return true;
}

static void print(const BaseYaml *root, BaseText *flow, BaseText *canonical)
{
    base_yaml_flow(root, flow);
    base_yaml_canonical(root, canonical);
    FUZZ_CHECK(flow->st == BASE_OK && canonical->st == BASE_OK);
}

static void read_again(const BaseYaml *root)
{
    BaseText flow = {0}, canonical = {0}, flow_again = {0}, canonical_again = {0};
    BaseYaml *again = NULL;
    print(root, &flow, &canonical);
    if (root->kind != BASE_YAML_SCALAR && short_keys(root)) {
        FUZZ_CHECK(base_yaml_parse(flow.data, flow.size, "again", &again) == BASE_OK);
        print(again, &flow_again, &canonical_again);
        FUZZ_CHECK(strcmp(flow.data, flow_again.data) == 0);
        FUZZ_CHECK(strcmp(canonical.data, canonical_again.data) == 0);
        base_yaml_free(again);
    }
    base_text_free(&flow);
    base_text_free(&canonical);
    base_text_free(&flow_again);
    base_text_free(&canonical_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BaseText flow = {0}, canonical = {0};
    BaseYaml *root = NULL;
    char *text = fuzz_next_text(&data, &size), *set;
    if (!text) return 0;
    if (base_yaml_parse(text, strlen(text), "fuzz", &root) == BASE_OK) {
        read_again(root);
        while ((set = fuzz_next_text(&data, &size))) {
            if (base_yaml_set(root, set) != BASE_OK) fuzz_check_error();
            free(set);
        }
        print(root, &flow, &canonical);
    } else {
        fuzz_check_error();
    }
    base_text_free(&flow);
    base_text_free(&canonical);
    base_yaml_free(root);
    free(text);
    return 0;
}
