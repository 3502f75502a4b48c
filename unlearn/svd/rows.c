/* unlearn/svd/rows.c - rows of X that are kept, and products with them. */
#include <string.h>

#include "base/bf16.h"
#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/svd/route.h"

int64_t unlearn_columns_width(const UnlearnColumns *c)
{
    int64_t width = 0;
    for (int i = 0; i < c->count; i++) width += c->at[i].width;
    return width;
}

static void spread(const float *x, int64_t rows, int64_t f, const UnlearnColumns *c, float *out)
{
    for (int64_t r = 0; r < rows; r++, out += f) {
        memset(out, 0, (size_t)f * sizeof *out);
        for (int i = 0; i < c->count; x += c->at[i++].width)
            memcpy(out + c->at[i].from, x, (size_t)c->at[i].width * sizeof *x);
    }
}

BaseStatus unlearn_rows_keep(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t width = unlearn_columns_width(c);
    const UnlearnColumns all = {.at = {{0, space->f}}, .count = 1};
    UnlearnGroup *last = space->group_count ? space->groups + space->group_count - 1 : NULL;
    if (space->products) {
        memcpy(space->x_bf16 + space->stored, x, (size_t)(rows * width) * sizeof *space->x_bf16);
    } else if (space->route->making == UNLEARN_KEEPS_X ||
               space->matrix_f64) { /* whole rows: it reads them as one matrix */
        spread(x, rows, space->f, c, space->x + space->stored);
        width = space->f;
        c = &all;
    } else {
        memcpy(space->x + space->stored, x, (size_t)(rows * width) * sizeof *space->x);
    }
    if (last && last->columns.count == c->count &&
        memcmp(last->columns.at, c->at, (size_t)c->count * sizeof *c->at) == 0) {
        last->rows += rows;
    } else {
        BASE_TRY(BASE_GROW(&space->groups, space->group_count, space->group_count + 1));
        space->groups[space->group_count++] =
            (UnlearnGroup){.first = space->seen, .rows = rows, .width = width, .offset = space->stored, .columns = *c};
    }
    space->stored += rows * width;
out:
    return st;
}

double unlearn_rows_squares(const UnlearnSpace *space)
{
    double sum = 0;
    for (int64_t g = 0; space->x && g < space->group_count; g++) {
        const UnlearnGroup *group = space->groups + g;
        for (int64_t i = 0; i < group->rows; i++) {
            const float *row = space->x + group->offset + i * group->width;
            sum += math_dot(row, row, group->width);
        }
    }
    for (int64_t i = 0; space->x_bf16 && i < space->stored; i++) {
        double value = (double)base_bf16_to_f32(space->x_bf16[i]);
        sum += value * value;
    }
    return sum;
}

/* A group's rows in float32, [rows, width]: where they lie, or in @p room. */
static const float *rows_f32(const UnlearnSpace *space, const UnlearnGroup *group, float *room)
{
    if (space->x) return space->x + group->offset;
    const uint16_t *from = space->x_bf16 + group->offset;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < group->rows * group->width; i++) room[i] = base_bf16_to_f32(from[i]);
    return room;
}

static BaseStatus room_for_groups(const UnlearnSpace *space, float **out)
{
    int64_t most = 0;
    *out = NULL;
    if (!space->x_bf16) return BASE_OK;
    for (int64_t g = 0; g < space->group_count; g++)
        most = base_larger(most, space->groups[g].rows * space->groups[g].width);
    return BASE_ALLOC_RAW(most, out);
}

BaseStatus unlearn_rows_respond(const UnlearnSpace *space, const float *w, int64_t rows, float *z)
{
    BaseStatus st = BASE_OK;
    float *room;
    BASE_TRY(room_for_groups(space, &room));
    for (int64_t g = 0; g < space->group_count; g++) {
        const UnlearnGroup *group = space->groups + g;
        const float *x = rows_f32(space, group, room);
        for (int i = 0; i < group->columns.count; x += group->columns.at[i++].width)
            BASE_TRY(math_gemm_block(false, true, rows, group->rows, group->columns.at[i].width, (float)space->scale,
                                     w + group->columns.at[i].from, space->f, x, group->width, i ? 1 : 0,
                                     z + group->first, space->n));
        for (int64_t r = 0; group->columns.count == 0 && r < rows; r++)
            memset(z + r * space->n + group->first, 0, (size_t)group->rows * sizeof *z);
    }
out:
    base_free(room);
    return st;
}

BaseStatus unlearn_rows_combine(const UnlearnSpace *space, double alpha, const float *y, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    float *room;
    BASE_TRY(room_for_groups(space, &room));
    memset(out, 0, (size_t)(rows * space->f) * sizeof *out);
    for (int64_t g = 0; g < space->group_count; g++) {
        const UnlearnGroup *group = space->groups + g;
        const float *x = rows_f32(space, group, room);
        for (int i = 0; i < group->columns.count; x += group->columns.at[i++].width)
            BASE_TRY(math_gemm_block(false, false, rows, group->columns.at[i].width, group->rows,
                                     (float)(alpha * space->scale), y + group->first, space->n, x, group->width, 1,
                                     out + group->columns.at[i].from, space->f));
    }
out:
    base_free(room);
    return st;
}
