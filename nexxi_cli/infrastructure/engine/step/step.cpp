// One step of a Llama-like model: a few tokens through all layers at once, whichever texts they belong to.
//
// The arithmetic of block.py, with sums in float32. Where a row meets a matrix, its numbers are rounded to whole ones
// of a scale for the row, and products are added up as whole numbers. Most of those have 8 bits; the few that stand out
// have 16, whose upper halves are multiplied apart: with 8 bits throughout, the scores are twice as far from those of
// float32. A row's result is the same whoever stands beside it: each sum has one order. Matrices lie in blocks of 16
// outputs (blocks.py), so that a vector holds four numbers of each output; two blocks are multiplied by up to 6 rows at
// a time, for which the registers suffice.

#include <omp.h>

#include "attention.h"

namespace {

float inverse_size(const float *row, int width, float eps) {
    float squares = 0;
    Floats sums = {};
    int place = 0;
    for (; place + LANES <= width; place += LANES) sums += loaded<Floats>(row + place) * loaded<Floats>(row + place);
    for (; place < width; place++) squares += row[place] * row[place];
    return 1.0f / std::sqrt((sum(sums) + squares) / float(width) + eps);
}

// RMSNorm of rows that are `apart`.
void normalise(const float *x, int apart, const float *weight, float eps, Rows &rows, int from, Share share) {
    fill(rows, from, share, [&](int row) {
        const float *numbers = x + int64_t(row) * apart;
        const float factor = inverse_size(numbers, rows.width, eps);
        return [=](int place) {
            return loaded<Floats>(numbers + place) * all(factor) * loaded<Floats>(weight + place);
        };
    });
}

// A head, normalised if there is a norm, turned by its place's angles (cosine, signed sine), and rounded.
void turn(const float *head, const float *norm, const float *cos, const float *sin, int width, float eps, Bf16 *to) {
    const float factor = norm ? inverse_size(head, width, eps) : 1.0f;
    const int half = width / 2;
    for (int place = 0; place < half; place += LANES) {
        Floats one = loaded<Floats>(head + place) * all(factor);
        Floats other = loaded<Floats>(head + place + half) * all(factor);
        if (norm) one *= loaded<Floats>(norm + place), other *= loaded<Floats>(norm + place + half);
        store_rounded(one * loaded<Floats>(cos + place) + other * loaded<Floats>(sin + place), to + place);
        store_rounded(other * loaded<Floats>(cos + place + half) + one * loaded<Floats>(sin + place + half),
                      to + place + half);
    }
}

}  // namespace

// Of the vectors that it computes with.
extern "C" const int32_t VECTOR_BITS = WIDE ? 512 : 256;

// The scores of what comes after each of the last `scored` of `count` tokens. `x`: their embeddings (count, width);
// `cos` and `sin`: (count, head width); `scores`: (scored, outputs of the head, padded to 16). Tokens of one text come
// in its order; their keys and values are stored.
extern "C" void step(const Model *model, int32_t count, const Token *tokens, const float *x, const float *cos,
                     const float *sin, int32_t scored, float *scores, int32_t threads) {
    const int width = model->width, head_width = model->head_width, ffn = model->ffn_width;
    const int queries = model->heads * head_width;
    const int apart = padded(width), ffn_apart = padded(2 * ffn);
    const int qkv_apart = padded(queries + 2 * model->kv_heads * head_width);
    std::vector<float> sums(size_t(count) * apart), qkv(size_t(count) * qkv_apart), gated(size_t(count) * ffn_apart);
    std::vector<Bf16> turned(size_t(count) * queries);
    std::vector<float> seen(size_t(count) * queries);
    Rows sensitive(count, width, SENSITIVE), rows(count, width, USUAL);
    Rows attended(count, queries, ROBUST), activated(count, ffn, ROBUST);
    const std::vector<Run> all_runs = runs_of(tokens, 0, count, threads);
    const std::vector<Run> last_runs = runs_of(tokens, count - scored, count, threads);
    int longest = 0, longest_run = 0;
    for (const Run &run : all_runs) longest_run = std::max(longest_run, run.count);
    for (int row = 0; row < count; row++) {
        std::copy_n(x + int64_t(row) * width, width, &sums[size_t(row) * apart]);
        longest = std::max(longest, tokens[row].place + 1 - tokens[row].first);
    }

#pragma omp parallel num_threads(threads)
    {
        const Share share{omp_get_thread_num(), omp_get_num_threads()};
        Attention attention(*model, longest, longest_run);
        std::vector<Bf16> own(head_width);  // a key or a value
        for (int number = 0; number < model->count; number++) {
            const Layer &layer = model->layers[number];
            const bool is_last = number == model->count - 1;
            const int from = is_last ? count - scored : 0;  // whoever is not scored leaves keys and values, and no more
            const std::vector<Run> &runs = is_last ? last_runs : all_runs;
            normalise(sums.data(), apart, layer.norm, model->norm_eps, sensitive, 0, share);
#pragma omp barrier
            multiply(layer.qkv, sensitive, 0, qkv.data(), qkv_apart, false, share);
#pragma omp barrier
            const int all_heads = model->heads + 2 * model->kv_heads;
            for (int task = share.begin(count * all_heads); task < share.end(count * all_heads); task++) {
                const int row = task / all_heads, head = task % all_heads;
                const Token &token = tokens[row];
                const float *numbers = &qkv[size_t(row) * qkv_apart + size_t(head) * head_width];
                const float *row_cos = cos + int64_t(row) * head_width, *row_sin = sin + int64_t(row) * head_width;
                const Kept kept(token, number, *model);
                if (head < model->heads) {
                    turn(numbers, layer.query_norm, row_cos, row_sin, head_width, model->norm_eps,
                         &turned[size_t(row) * queries + size_t(head) * head_width]);
                } else if (head < model->heads + model->kv_heads) {
                    turn(numbers, layer.key_norm, row_cos, row_sin, head_width, model->norm_eps, own.data());
                    kept.put_key(token.place, head - model->heads, own.data());
                } else {
                    for (int place = 0; place < head_width; place += LANES)
                        store_rounded(loaded<Floats>(numbers + place), &own[place]);
                    kept.put_value(token.place, head - model->heads - model->kv_heads, own.data());
                }
            }
#pragma omp barrier
#pragma omp for schedule(dynamic)
            for (int task = 0; task < int(runs.size()) * model->kv_heads; task++)
                attention.attend(runs[task / model->kv_heads], tokens, number, task % model->kv_heads, turned.data(),
                                 seen.data());
            fill(attended, from, share, [&](int row) {
                const float *numbers = &seen[size_t(row) * queries];
                return [=](int place) { return loaded<Floats>(numbers + place); };
            });
#pragma omp barrier
            multiply(layer.output, attended, from, sums.data(), apart, true, share);
#pragma omp barrier
            normalise(sums.data(), apart, layer.ffn_norm, model->norm_eps, rows, from, share);
#pragma omp barrier
            multiply(layer.gate_up, rows, from, gated.data(), ffn_apart, false, share);
#pragma omp barrier
            fill(activated, from, share, [&](int row) {
                const float *numbers = &gated[size_t(row) * ffn_apart];
                return [=](int place) {
                    const Floats gate = loaded<Floats>(numbers + place);
                    const Floats passed = gate / (all(1.0f) + power_of_two(gate * all(-LOG2_E)));
                    return passed * loaded<Floats>(numbers + place + ffn);
                };
            });
#pragma omp barrier
            multiply(layer.down, activated, from, sums.data(), apart, true, share);
#pragma omp barrier
        }
        normalise(sums.data(), apart, model->norm, model->norm_eps, sensitive, count - scored, share);
#pragma omp barrier
        multiply(model->head, sensitive, count - scored, scores - int64_t(count - scored) * padded(model->head.outputs),
                 padded(model->head.outputs), false, share);
    }
}
