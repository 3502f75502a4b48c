/* An index of weights in several files, up to the first zero byte; what follows is the shard "c.safetensors". Two
 * shards, "a.safetensors" and "b.safetensors" (tensors a1, a2 and b1), are there and right. */
#include <stdlib.h>
#include <string.h>

#include "io/containers.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

static void write_shard(const char *name, const char *header)
{
    uint8_t bytes[256] = {0};
    size_t length = strlen(header);
    bytes[0] = (uint8_t)length;
    memcpy(bytes + 8, header, length);
    fuzz_write(name, bytes, 8 + length + 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    char path[160];
    IoTensors *tensors = NULL;
    char *index = fuzz_next_text(&data, &size);
    if (!index) return 0;
    if (!made) {
        write_shard("a.safetensors", "{\"a1\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                     "\"a2\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[4,8]}}");
        write_shard("b.safetensors", "{\"__metadata__\":{\"format\":\"pt\"},"
                                     "\"b1\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}");
    }
    made = true;
    fuzz_write("c.safetensors", data, size);
    fuzz_write("m.safetensors.index.json", (const uint8_t *)index, strlen(index));
    snprintf(path, sizeof path, "%s/m.safetensors.index.json", fuzz_files());
    if (io_container_shards.read(path, &tensors) != BASE_OK) fuzz_check_error();
    io_tensors_free(tensors);
    free(index);
    return 0;
}
