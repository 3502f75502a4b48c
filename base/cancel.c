/* base/cancel.c - how often it was asked for, and how often that was when this thread began: nothing has to be taken back. */
#include "base/cancel.h"

#include <stdatomic.h>

static atomic_uint asked;
static _Thread_local unsigned before;
static _Thread_local bool listens;

void base_cancel_begin(void)
{
    before = atomic_load(&asked);
    listens = true;
}

void base_cancel_end(void) { listens = false; }

void base_cancel_ask(void) { atomic_fetch_add(&asked, 1); }

BaseStatus base_cancel_check(void)
{
    if (!listens || atomic_load_explicit(&asked, memory_order_relaxed) == before) return BASE_OK;
    return base_error_set(BASE_ECANCEL, "stopped, as was asked for");
}
