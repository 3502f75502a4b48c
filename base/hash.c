/* base/hash.c - SHA-256 is nettle's; files are hashed in pieces, whatever their size. */
#include "base/hash.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/system.h"

struct BaseHash {
    struct sha256_ctx sha;
};

BaseStatus base_hash_create(BaseHash **out)
{
    BaseStatus st = BASE_ALLOC(1, out);
    if (st == BASE_OK) sha256_init(&(*out)->sha);
    return st;
}

void base_hash_add(BaseHash *hash, const void *bytes, size_t size) { sha256_update(&hash->sha, size, bytes); }
void base_hash_add_text(BaseHash *hash, const char *text) { base_hash_add(hash, text, strlen(text) + 1); }
void base_hash_free(BaseHash *hash) { base_free(hash); }

static void finish(struct sha256_ctx *sha, char hex[BASE_HASH_HEX])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(sha, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void base_hash_finish(BaseHash *hash, char hex[BASE_HASH_HEX]) { finish(&hash->sha, hex); }

void base_hash_bytes(const void *bytes, size_t size, char hex[BASE_HASH_HEX])
{
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, size, bytes);
    finish(&sha, hex);
}

BaseStatus base_hash_file(const char *path, char hex[BASE_HASH_HEX])
{
    FILE *file = fopen(path, "rb");
    if (!file) return base_error_set(BASE_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    struct sha256_ctx sha;
    sha256_init(&sha);
    uint8_t piece[1 << 16];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) sha256_update(&sha, got, piece);
    bool broken = ferror(file) != 0;
    fclose(file);
    if (broken) return base_error_set(BASE_EIO, "%s: cannot be read", path);
    finish(&sha, hex);
    return BASE_OK;
}

BaseStatus base_hash_program(char hex[BASE_HASH_HEX])
{
    const char *program;
    BaseStatus st = base_system_code(&program);
    return st == BASE_OK ? base_hash_file(program, hex) : st;
}

uint64_t base_hash_fnv1a_bytes(const void *bytes, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) h = (h ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return h;
}

uint64_t base_hash_fnv1a(const char *name) { return base_hash_fnv1a_bytes(name, strlen(name)); }
