// What a token sees of those before it.

#pragma once

#include <type_traits>

#include "model.h"

namespace {

// Tokens of one text that follow each other, whose keys and values are so read together.
struct Run {
    int row, count;
};

constexpr int LONGEST_RUN = 16;

// Runs of the tokens from `from` on, about as long, so that no thread is left with the longest.
std::vector<Run> runs_of(const Token *tokens, int from, int count, int threads) {
    const int longest = std::min(LONGEST_RUN, (count - from + threads - 1) / threads);
    std::vector<Run> runs;
    for (int row = from; row < count; row++) {
        bool goes_on = !runs.empty() && runs.back().count < longest && tokens[row].kept == tokens[row - 1].kept &&
                       tokens[row].place == tokens[row - 1].place + 1;
        if (goes_on) runs.back().count++;
        else runs.push_back({row, 1});
    }
    return runs;
}

// Where keys and values of a text lie: 16 places after another, of those one head after another. Of a head, keys have
// each two numbers of a place beside those of the other places, and values each number of two places beside the others.
struct Kept {
    Bf16 *keys, *values;
    int heads, head_width;

    Kept(const Token &token, int64_t layer, const Model &model)
        : keys(token.kept + 2 * layer * token.apart), values(keys + token.apart), heads(model.kv_heads),
          head_width(model.head_width) {}

    // Of the 16 places to which one belongs.
    int64_t block(int place, int head) const { return (int64_t(place / LANES) * heads + head) * LANES * head_width; }

    void put_key(int place, int head, const Bf16 *key) const {
        Bf16 *to = keys + block(place, head) + place % LANES * 2;
        for (int pair = 0; pair < head_width / 2; pair++)
            std::memcpy(to + pair * LANES * 2, key + pair * 2, 2 * sizeof *key);
    }

    void put_value(int place, int head, const Bf16 *value) const {
        Bf16 *to = values + block(place, head) + place % LANES / 2 * 2 * head_width;
        const __mmask32 own = place % 2 ? 0xaaaaaaaa : 0x55555555;
        for (int number = 0; number < head_width; number += LANES) {
            const __m512i apart = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(value + number)));
            _mm512_mask_storeu_epi16(to + number * 2, own, _mm512_or_si512(apart, _mm512_slli_epi32(apart, 16)));
        }
    }
};

// What attention needs to know of the model and a layer, and room to work in.
struct Attention {
    struct Query {
        const Token *token;
        size_t place;  // of its head, among all rows' numbers
    };

    const Model &model;
    int heads, head_width, group;
    float scale;  // of scores, whose powers of two are taken
    std::vector<Query> queries;
    std::vector<float> scores, highest, totals, mixed;
    std::vector<Bf16> shares;

    // `places`: the most that a token sees; `tokens`: those of the longest run.
    Attention(const Model &model, int places, int tokens)
        : model(model), heads(model.heads), head_width(model.head_width), group(heads / model.kv_heads),
          scale(LOG2_E / std::sqrt(float(head_width))), queries(size_t(tokens) * group),
          scores(queries.size() * (places + tokens + 2 * LANES)),
          highest(queries.size() * LANES), totals(queries.size() * LANES), mixed(queries.size() * head_width),
          shares(queries.size() * LANES) {}

    // softmax(queries keys) values of a run's heads that share one of keys and values, in blocks of 16 places; places
    // are counted from the text's beginning, so that a sum has the same order in every run.
    void attend(const Run &run, const Token *tokens, int64_t layer, int kv_head, const Bf16 *turned, float *seen) {
        const Token &last = tokens[run.row + run.count - 1];
        const int begin = tokens[run.row].first / LANES * LANES, end = last.place + 1;
        const Kept kept(last, layer, model);
        const int count = run.count * group;
        for (int row = 0, query = 0; row < run.count; row++)
            for (int head = kv_head * group; head < (kv_head + 1) * group; head++, query++)
                queries[query] = {tokens + run.row + row, (size_t(run.row + row) * heads + head) * head_width};
        std::fill(highest.begin(), highest.end(), -INFINITY);
        for (int block = begin; block < end; block += LANES) {
            const bool all_seen = do_all_see(tokens[run.row], last, block);
            const Bf16 *keys = kept.keys + kept.block(block, kv_head);
            const bool is_last = block + LANES >= end;
            fetch(is_last ? kept.values + kept.block(begin, kv_head) : kept.keys + kept.block(block + LANES, kv_head));
            in_eights(count, [&](auto together, int first) {
                constexpr int TOGETHER = together;
                const Bf16 *asked[TOGETHER];
                Floats found[TOGETHER];
                for (int one = 0; one < TOGETHER; one++) asked[one] = turned + queries[first + one].place;
                scores_of<TOGETHER>(keys, asked, found);
                for (int one = 0; one < TOGETHER; one++) {
                    const int query = first + one;
                    const __mmask16 is_seen = all_seen ? EVERY : seen_of(*queries[query].token, block);
                    Floats score = (Floats)_mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), is_seen, (__m512)found[one]);
                    stored(score, &scores[size_t(block - begin) * count + query * LANES]);
                    Floats before = loaded<Floats>(&highest[query * LANES]);
                    stored(before < score ? score : before, &highest[query * LANES]);
                }
            });
        }
        for (int query = 0; query < count; query++)
            highest[query] = _mm512_reduce_max_ps((__m512)loaded<Floats>(&highest[query * LANES]));
        std::fill(totals.begin(), totals.end(), 0.0f);
        std::fill(mixed.begin(), mixed.end(), 0.0f);
        for (int block = begin; block < end; block += LANES) {
            const bool all_seen = do_all_see(tokens[run.row], last, block);
            const Bf16 *values = kept.values + kept.block(block, kv_head);
            if (block + LANES < end) fetch(kept.values + kept.block(block + LANES, kv_head));
            for (int query = 0; query < count; query++) {
                const __mmask16 is_seen = all_seen ? EVERY : seen_of(*queries[query].token, block);
                const Floats score = loaded<Floats>(&scores[size_t(block - begin) * count + query * LANES]);
                const Floats share = power_of_two(score - highest[query]);
                Bf16 *rounded = &shares[query * LANES];
                store_rounded((Floats)_mm512_maskz_mov_ps(is_seen, (__m512)share), rounded);
                stored(loaded<Floats>(&totals[query * LANES]) + widened(rounded), &totals[query * LANES]);
            }
            in_eights(count, [&](auto together, int first) {
                mix<together>(values, &shares[first * LANES], &mixed[size_t(first) * head_width]);
            });
        }
        for (int query = 0; query < count; query++) {
            const float total = sum(loaded<Floats>(&totals[query * LANES]));
            for (int place = 0; place < head_width; place += LANES)
                stored(loaded<Floats>(&mixed[size_t(query) * head_width + place]) / total,
                       seen + queries[query].place + place);
        }
    }

private:
    static constexpr __mmask16 EVERY = 0xffff;

    // Whether all tokens of a run, from the first to the last, see all of the 16 places from `block` on.
    static bool do_all_see(const Token &first, const Token &last, int block) {
        return block >= last.first && block + LANES <= first.place + 1;
    }

    // Which of the 16 places from `block` on a token sees.
    static __mmask16 seen_of(const Token &token, int block) {
        const int from = std::clamp(token.first - block, 0, LANES), to = std::clamp(token.place + 1 - block, 0, LANES);
        return __mmask16(((1u << to) - 1) & ~((1u << from) - 1));
    }

    // Have a block on its way from memory, which takes as long as the work on one.
    void fetch(const Bf16 *block) const {
        for (int number = 0; number < LANES * head_width; number += 2 * LANES)
            _mm_prefetch((const char *)(block + number), _MM_HINT_T0);
    }

    // What keys and values are loaded for is done for up to eight queries: `work(how many, the first)`.
    template <typename Work>
    static void in_eights(int count, Work work) {
        int first = 0;
        for (; first + 8 <= count; first += 8) work(std::integral_constant<int, 8>(), first);
        switch (count - first) {
            case 7: return work(std::integral_constant<int, 7>(), first);
            case 6: return work(std::integral_constant<int, 6>(), first);
            case 5: return work(std::integral_constant<int, 5>(), first);
            case 4: return work(std::integral_constant<int, 4>(), first);
            case 3: return work(std::integral_constant<int, 3>(), first);
            case 2: return work(std::integral_constant<int, 2>(), first);
            case 1: return work(std::integral_constant<int, 1>(), first);
        }
    }

    // Of 16 places.
    template <int TOGETHER>
    void scores_of(const Bf16 *keys, const Bf16 *const *queries, Floats *found) const {
        __m512 sums[TOGETHER], other[TOGETHER];
        for (int one = 0; one < TOGETHER; one++) sums[one] = other[one] = _mm512_setzero_ps();
        for (int pair = 0; pair < head_width / 2; pair += 2) {
            const __m512bh even = (__m512bh)_mm512_loadu_si512(keys + pair * LANES * 2);
            const __m512bh odd = (__m512bh)_mm512_loadu_si512(keys + (pair + 1) * LANES * 2);
            for (int one = 0; one < TOGETHER; one++) {
                sums[one] = _mm512_dpbf16_ps(sums[one], even, both(queries[one] + 2 * pair));
                other[one] = _mm512_dpbf16_ps(other[one], odd, both(queries[one] + 2 * pair + 2));
            }
        }
        for (int one = 0; one < TOGETHER; one++) found[one] = ((Floats)sums[one] + (Floats)other[one]) * scale;
    }

    // Add 16 places' values, each query's by its shares of them.
    template <int TOGETHER>
    void mix(const Bf16 *values, const Bf16 *shares, float *to) const {
        for (int place = 0; place < head_width; place += 2 * LANES) {
            __m512 sums[TOGETHER][2];
            for (int one = 0; one < TOGETHER; one++)
                for (int half = 0; half < 2; half++)
                    sums[one][half] = _mm512_loadu_ps(to + one * head_width + place + half * LANES);
            for (int pair = 0; pair < LANES / 2; pair++) {
                const Bf16 *from = values + (pair * head_width + place) * 2;
                for (int one = 0; one < TOGETHER; one++) {
                    const __m512bh share = both(shares + one * LANES + 2 * pair);
                    for (int half = 0; half < 2; half++) {
                        const __m512bh value = (__m512bh)_mm512_loadu_si512(from + half * LANES * 2);
                        sums[one][half] = _mm512_dpbf16_ps(sums[one][half], value, share);
                    }
                }
            }
            for (int one = 0; one < TOGETHER; one++)
                for (int half = 0; half < 2; half++)
                    _mm512_storeu_ps(to + one * head_width + place + half * LANES, sums[one][half]);
        }
    }

    static __m512bh both(const Bf16 *pair) {
        int bits;
        std::memcpy(&bits, pair, sizeof bits);
        return (__m512bh)_mm512_set1_epi32(bits);
    }
};

}  // namespace
