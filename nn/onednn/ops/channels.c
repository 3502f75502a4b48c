/* nn/onednn/ops/channels.c - which order a map's channels lie in. */
#include "nn/onednn/ops/channels.h"

BaseStatus nn_channels_open(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *from, dnnl_data_type_t type,
                            bool pooled, NnTensor *out)
{
    NnMd plain = nn_md(&p->kit, type, dnnl_nhwc, 4, from->md.dims);
    bool own = from->md.type == type && nn_md_block(&from->md) > 0;
    return nn_prog_convert(p, steps, nn_prog_name(p, x), from, own ? &from->md : &plain, pooled, out);
}

NnChannels nn_channels_of(const NnMd *md)
{
    return (NnChannels){.n = md->dims[0],
                        .C = md->dims[1],
                        .area = md->dims[2] * md->dims[3],
                        .block = nn_md_block(md),
                        .element = (int64_t)dnnl_data_type_size(md->type)};
}

NnMd nn_channels_md(NnProgram *p, NnNode x, const NnMd *like)
{
    int64_t block = nn_md_block(like);
    dnnl_format_tag_t tag = block == like->dims[1] ? dnnl_nhwc
                            : block == 16          ? dnnl_nChw16c
                            : block == 8           ? dnnl_nChw8c
                                                   : dnnl_nchw;
    return nn_md_map(p, x, like->type, tag);
}

void nn_channels_total(const float *rows, int64_t n, int64_t C, bool each, float *total)
{
    double all = 0;
    for (int64_t c = 0; c < C; c++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += (double)rows[i * C + c];
        if (each) total[c] = (float)sum;
        all += sum;
    }
    if (!each) *total = (float)all;
}
