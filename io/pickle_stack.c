/* io/pickle_stack.c - the interpreter's stack, and the opcodes that make objects: each becomes an inert value. */
#include "io/pickle_machine.h"

#include "base/memory.h"

BaseStatus io_pickle_refuse(const IoPickleMachine *m, const char *what)
{
    return base_error_set(BASE_EFORMAT, "%s: byte %zu of the pickle: %s", m->where, (size_t)(m->at - m->start), what);
}

BaseStatus io_pickle_push(IoPickleMachine *m, IoPickleValue *value)
{
    if (m->count == m->stack_room) {
        size_t room = m->stack_room ? 2 * m->stack_room : 64;
        BaseStatus st = BASE_GROW(&m->stack, m->count, room);
        if (st != BASE_OK) return st;
        m->stack_room = room;
    }
    m->stack[m->count++] = value;
    return BASE_OK;
}

BaseStatus io_pickle_push_new(IoPickleMachine *m, IoPickleKind kind, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(m->pickle, kind, out);
    return st == BASE_OK ? io_pickle_push(m, *out) : st;
}

size_t io_pickle_within_reach(const IoPickleMachine *m)
{
    return m->count - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

BaseStatus io_pickle_pop(IoPickleMachine *m, IoPickleValue **out)
{
    *out = NULL;
    if (!io_pickle_within_reach(m)) return io_pickle_refuse(m, "a value is taken from an empty stack");
    *out = m->stack[--m->count];
    return BASE_OK;
}

BaseStatus io_pickle_top(const IoPickleMachine *m, IoPickleValue **out)
{
    *out = NULL;
    if (!io_pickle_within_reach(m)) return io_pickle_refuse(m, "a value is needed from an empty stack");
    *out = m->stack[m->count - 1];
    return BASE_OK;
}

BaseStatus io_pickle_push_mark(IoPickleMachine *m)
{
    if (m->mark_count == m->mark_room) {
        size_t room = m->mark_room ? 2 * m->mark_room : 16;
        BaseStatus st = BASE_GROW(&m->marks, m->mark_count, room);
        if (st != BASE_OK) return st;
        m->mark_room = room;
    }
    m->marks[m->mark_count++] = m->count;
    return BASE_OK;
}

BaseStatus io_pickle_pop_mark(IoPickleMachine *m, IoPickleValue ***items, size_t *n)
{
    *items = NULL;
    *n = 0;
    if (!m->mark_count) return io_pickle_refuse(m, "a mark is needed, but none is set");
    size_t height = m->marks[--m->mark_count];
    *n = m->count - height;
    if (*n) *items = m->stack + height;
    m->count = height;
    return BASE_OK;
}

BaseStatus io_pickle_new_pair(IoPickleMachine *m, IoPickleValue *one, IoPickleValue *two, IoPickleValue **out)
{
    BaseStatus st = io_pickle_new(m->pickle, IO_PICKLE_TUPLE, out);
    return st == BASE_OK ? io_pickle_append(*out, (IoPickleValue *[]){one, two}, 2) : st;
}

BaseStatus io_pickle_push_call(IoPickleMachine *m, const IoPickleValue *callable, IoPickleValue *args, IoPickleHow how)
{
    IoPickleValue *value;
    BaseStatus st = io_pickle_push_new(m, IO_PICKLE_CALL, &value);
    if (st != BASE_OK) return st;
    value->name = callable->name;
    value->split = callable->split;
    value->inert = callable->inert || how != IO_PICKLE_REDUCE;
    value->how = (uint8_t)how;
    value->args = args;
    return BASE_OK;
}

BaseStatus io_pickle_new_object(IoPickleMachine *m, bool keywords)
{
    BaseStatus st = BASE_OK;
    IoPickleValue *args, *named = NULL, *callable;
    if (keywords) BASE_TRY(io_pickle_pop(m, &named));
    BASE_TRY(io_pickle_pop(m, &args));
    BASE_TRY(io_pickle_pop(m, &callable));
    if (callable->kind != IO_PICKLE_GLOBAL)
        BASE_TRY(io_pickle_refuse(m, "it creates an object of something that is not a class: refused"));
    if (args->kind != IO_PICKLE_TUPLE) BASE_TRY(io_pickle_refuse(m, "a call without a tuple of arguments"));
    if (keywords) BASE_TRY(io_pickle_new_pair(m, args, named, &args));
    BASE_TRY(io_pickle_push_call(m, callable, args, keywords ? IO_PICKLE_NEWOBJ_EX : IO_PICKLE_NEWOBJ));
out:
    return st;
}

BaseStatus io_pickle_fill_set(IoPickleMachine *m, bool frozen)
{
    BaseStatus st = BASE_OK;
    IoPickleValue **items, *set;
    size_t n;
    BASE_TRY(io_pickle_pop_mark(m, &items, &n));
    BASE_TRY(frozen ? io_pickle_new(m->pickle, IO_PICKLE_SET, &set) : io_pickle_top(m, &set));
    if (set->kind != IO_PICKLE_SET || set->how) BASE_TRY(io_pickle_refuse(m, "values are added to a non-set"));
    BASE_TRY(io_pickle_append(set, items, n));
    set->how = frozen;
    if (frozen) BASE_TRY(io_pickle_push(m, set));
out:
    return st;
}
