/* The cases of test_system.c on a system that has nothing of Linux: this object's base/system stands in for the
 * library's, in base/ and io/ as well. */
#define BASE_SYSTEM_PLAIN
#include "base/system.c"

#include "tests/base/test_system.c"
