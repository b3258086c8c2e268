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
        for (int number = 0; number < head_width; number += LANES)
            store_apart(value + number, to + number * 2, place % 2);
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
            in_parts(count, [&](auto together, int first) {
                constexpr int COUNT = together;
                const Bf16 *asked[COUNT];
                Floats found[COUNT];
                for (int one = 0; one < COUNT; one++) asked[one] = turned + queries[first + one].place;
                scores_of<COUNT>(keys, asked, found);
                for (int one = 0; one < COUNT; one++) {
                    const int query = first + one;
                    Floats score = found[one];
                    if (!all_seen) score = chosen(seen_of(*queries[query].token, block), score, all(-INFINITY));
                    stored(score, &scores[size_t(block - begin) * count + query * LANES]);
                    stored(larger(loaded<Floats>(&highest[query * LANES]), score), &highest[query * LANES]);
                }
            });
        }
        for (int query = 0; query < count; query++)
            highest[query] = largest(loaded<Floats>(&highest[query * LANES]));
        std::fill(totals.begin(), totals.end(), 0.0f);
        std::fill(mixed.begin(), mixed.end(), 0.0f);
        for (int block = begin; block < end; block += LANES) {
            const bool all_seen = do_all_see(tokens[run.row], last, block);
            const Bf16 *values = kept.values + kept.block(block, kv_head);
            if (block + LANES < end) fetch(kept.values + kept.block(block + LANES, kv_head));
            for (int query = 0; query < count; query++) {
                const Floats score = loaded<Floats>(&scores[size_t(block - begin) * count + query * LANES]);
                Floats share = power_of_two(score - all(highest[query]));
                if (!all_seen) share = of_bits(bits(share) & seen_of(*queries[query].token, block));
                Bf16 *rounded = &shares[query * LANES];
                store_rounded(share, rounded);
                stored(loaded<Floats>(&totals[query * LANES]) + widened(rounded), &totals[query * LANES]);
            }
            in_parts(count, [&](auto together, int first) {
                mix<together>(values, &shares[first * LANES], &mixed[size_t(first) * head_width]);
            });
        }
        for (int query = 0; query < count; query++) {
            const float total = sum(loaded<Floats>(&totals[query * LANES]));
            for (int place = 0; place < head_width; place += LANES)
                stored(loaded<Floats>(&mixed[size_t(query) * head_width + place]) / all(total),
                       seen + queries[query].place + place);
        }
    }

private:
    // Whether all tokens of a run, from the first to the last, see all of the 16 places from `block` on.
    static bool do_all_see(const Token &first, const Token &last, int block) {
        return block >= last.first && block + LANES <= first.place + 1;
    }

    // Which of the 16 places from `block` on a token sees: all bits of those.
    static Ints seen_of(const Token &token, int block) {
        const Ints places = from_zero() + all(block);
        return (all(token.first) <= places) & (places <= all(token.place));
    }

    // Have a block on its way from memory, which takes as long as the work on one.
    void fetch(const Bf16 *block) const {
        for (int number = 0; number < LANES * head_width; number += 2 * LANES)
            _mm_prefetch((const char *)(block + number), _MM_HINT_T0);
    }

    // What keys and values are loaded for is done for some queries: `work(how many, the first)`.
    template <int MOST = WIDE ? 8 : 4, typename Work>
    static void in_parts(int count, Work work, int first = 0) {
        for (; first + MOST <= count; first += MOST) work(std::integral_constant<int, MOST>(), first);
        if constexpr (MOST > 1) in_parts<MOST - 1>(count, work, first);
    }

    // Of 16 places.
    template <int COUNT>
    void scores_of(const Bf16 *keys, const Bf16 *const *queries, Floats *found) const {
        Floats sums[COUNT] = {}, other[COUNT] = {};
        for (int pair = 0; pair < head_width / 2; pair += 2) {
            const Ints even = loaded<Ints>(keys + pair * LANES * 2), odd = loaded<Ints>(keys + (pair + 1) * LANES * 2);
            for (int one = 0; one < COUNT; one++) {
                sums[one] = add_pairs(sums[one], even, in_all(queries[one] + 2 * pair));
                other[one] = add_pairs(other[one], odd, in_all(queries[one] + 2 * pair + 2));
            }
        }
        for (int one = 0; one < COUNT; one++) found[one] = (sums[one] + other[one]) * all(scale);
    }

    // Add 16 places' values, each query's by its shares of them.
    template <int COUNT>
    void mix(const Bf16 *values, const Bf16 *shares, float *to) const {
        for (int place = 0; place < head_width; place += 2 * LANES) {
            Floats sums[COUNT][2];
            for (int one = 0; one < COUNT; one++)
                for (int half = 0; half < 2; half++)
                    sums[one][half] = loaded<Floats>(to + one * head_width + place + half * LANES);
            for (int pair = 0; pair < LANES / 2; pair++) {
                const Bf16 *from = values + (pair * head_width + place) * 2;
                for (int one = 0; one < COUNT; one++) {
                    const Ints share = in_all(shares + one * LANES + 2 * pair);
                    for (int half = 0; half < 2; half++)
                        sums[one][half] = add_pairs(sums[one][half], loaded<Ints>(from + half * LANES * 2), share);
                }
            }
            for (int one = 0; one < COUNT; one++)
                for (int half = 0; half < 2; half++)
                    stored(sums[one][half], to + one * head_width + place + half * LANES);
        }
    }
};

}  // namespace
