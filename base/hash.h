/* base/hash.h - SHA-256 for content, FNV-1a for names. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { BASE_HASH_HEX = 65 }; /* 64 hex digits and NUL */

typedef struct BaseHash BaseHash;
BaseStatus base_hash_create(BaseHash **out);
void base_hash_add(BaseHash *hash, const void *bytes, size_t size);
void base_hash_add_text(BaseHash *hash, const char *text); /* with its NUL: "ab","c" is not "a","bc" */
void base_hash_finish(BaseHash *hash, char hex[BASE_HASH_HEX]);
void base_hash_free(BaseHash *hash);
/** One buffer at once. */
void base_hash_bytes(const void *bytes, size_t size, char hex[BASE_HASH_HEX]);
/** SHA-256 of a file's bytes, read in pieces. */
BaseStatus base_hash_file(const char *path, char hex[BASE_HASH_HEX]);
/** The same of this program's own file, or the library's (base_system_code). */
BaseStatus base_hash_program(char hex[BASE_HASH_HEX]);
/** 64-bit FNV-1a of a NUL-terminated name; of bytes. */
uint64_t base_hash_fnv1a(const char *name);
uint64_t base_hash_fnv1a_bytes(const void *bytes, size_t size);

#endif
