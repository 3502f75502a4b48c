/* A whole .safetensors file. */
#include "io/containers.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IoTensors *tensors;
    if (io_container_safetensors.read(fuzz_file(data, size), &tensors) == BASE_OK) io_tensors_free(tensors);
    return 0;
}
