/* A PyTorch file, read and, where it could be, written and read again. An input that starts with "PK", or as files did
 * before PyTorch 1.6, is the whole file; any other becomes its data.pkl, with the right
 * sum, beside two storages of 64 and 16 bytes, so that the reader is reached past libzip. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/containers.h"
#include "io/pytorch.h"
#include "tests/fuzz/fuzz.h"

static void add(BaseText *text, uint32_t value, int width)
{
    char bytes[4];
    for (int i = 0; i < width; i++) bytes[i] = (char)(value >> 8 * i);
    base_text_append(text, bytes, (size_t)width);
}

static void add_record(BaseText *file, BaseText *directory, const char *name, const void *bytes, size_t size)
{
    uint32_t sum = (uint32_t)crc32_z(0, bytes, size), at = (uint32_t)file->size, n = (uint32_t)strlen(name);
    add(file, 0x04034b50, 4);
    add(directory, 0x02014b50, 4);
    add(directory, 20, 2);
    for (int i = 0; i < 2; i++) {
        BaseText *to = i ? directory : file;
        add(to, 20, 4); /* version, flags */
        add(to, 0, 4);  /* stored, time */
        add(to, 0x21, 2);
        add(to, sum, 4);
        add(to, (uint32_t)size, 4);
        add(to, (uint32_t)size, 4);
        add(to, n, 2);
        add(to, 0, 2);
    }
    add(directory, 0, 4);
    add(directory, 0, 2);
    add(directory, 0, 4);
    add(directory, at, 4);
    base_text_append(directory, name, n);
    base_text_append(file, name, n);
    base_text_append(file, bytes, size);
}

static void write_again(IoTensors *tensors, bool drop)
{
    char path[64];
    IoTensors *again;
    snprintf(path, sizeof path, "/tmp/fuzz-pytorch-%ld.pt", (long)getpid());
    for (size_t i = 0; i < tensors->copy_count; i++) tensors->copies[i].dropped = drop;
    if (io_container_pytorch.write(tensors, path) != BASE_OK) return;
    FUZZ_CHECK(io_container_pytorch.read(path, &again) == BASE_OK);
    FUZZ_CHECK(again->count == tensors->count && !again->strange);
    FUZZ_CHECK(again->copy_count <= (drop ? 0 : tensors->copy_count));
    io_tensors_free(again);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char STORAGE[64];
    BaseText file = {0}, directory = {0};
    IoTensors *tensors;
    bool old = size >= IO_PYTORCH_LEGACY && memcmp(data, io_pytorch_legacy_head, IO_PYTORCH_LEGACY) == 0;
    if (old || (size >= 2 && data[0] == 'P' && data[1] == 'K')) {
        base_text_append(&file, (const char *)data, size);
    } else {
        add_record(&file, &directory, "a/data.pkl", data, size);
        add_record(&file, &directory, "a/data/0", STORAGE, 64);
        add_record(&file, &directory, "a/data/1", STORAGE, 16);
        uint32_t start = (uint32_t)file.size;
        base_text_append(&file, directory.data, directory.size);
        add(&file, 0x06054b50, 4);
        add(&file, 0, 4);
        add(&file, 3, 2);
        add(&file, 3, 2);
        add(&file, (uint32_t)directory.size, 4);
        add(&file, start, 4);
        add(&file, 0, 2);
    }
    if (io_container_pytorch.read(fuzz_file((const uint8_t *)file.data, file.size), &tensors) == BASE_OK) {
        write_again(tensors, size > 0 && data[size - 1] & 1);
        io_tensors_free(tensors);
    }
    base_text_free(&file);
    base_text_free(&directory);
    return 0;
}
