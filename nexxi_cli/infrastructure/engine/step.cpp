// One step of a Llama-like model: a few tokens through all layers at once, whichever texts they belong to.
//
// The arithmetic of block.py, with sums in float32. Where a row meets a matrix, each 32 of its numbers are rounded to 8 or
// 16 bits of a scale of their own, and products are added up as whole numbers: with 8 bits throughout, as llama.cpp has
// them, the scores of SmolLM2 are a third further from those of float32. A row's result is the same whoever stands beside it:
// each sum has one order. Matrices lie in blocks of 16 outputs (blocks.py), so that a vector holds four numbers of each
// output, and every weight is unpacked once for up to 8 rows.

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace {

constexpr int LANES = 16;
constexpr int GROUP = 32;         // weights that share a scale
constexpr int TILE = 8;           // rows for which a weight is unpacked once
constexpr int QUAD = 4;           // numbers that one instruction multiplies and adds up in each lane
constexpr float OUTLIER = 4.5;      // how far a group's largest number stands out that is lost on 8 bits, in root mean squares
constexpr int GROUP_BYTES = 320;  // of four bits, a block's: 256 of weights, 32 of scales, 32 of minimums

using Bf16 = uint16_t;
typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

template <typename Vector, typename Element>
inline Vector loaded(const Element *from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

inline void stored(Floats vector, float *to) { std::memcpy(to, &vector, sizeof vector); }

inline Floats all(float value) { return value - Floats{}; }

inline Floats widened(const Bf16 *from) { return (Floats)(__builtin_convertvector(loaded<Halves>(from), Ints) << 16); }

inline float sum(Floats vector) { return _mm512_reduce_add_ps((__m512)vector); }

// 2 to the power of x: of its fraction by the series of e's power, to 3e-6 of it.
inline Floats power_of_two(Floats x) {
    const Floats whole = (Floats)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Floats rest = x - whole;
    Floats result = all(1.3333558e-3f);
    for (float factor : {9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f}) result = result * rest + factor;
    return (Floats)_mm512_scalef_ps((__m512)result, (__m512)whole);
}

constexpr float LOG2_E = 1.44269504f;

inline Floats halves(const uint8_t *from) { return (Floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }

// Four weights (0 to 255) of each output times four of a row's numbers (-128 to 127), added to whole sums.
inline __m512i add_products(__m512i sums, __m512i weights, const int8_t *quad) {
    int numbers;
    std::memcpy(&numbers, quad, sizeof numbers);
    return _mm512_dpbusd_epi32(sums, weights, _mm512_set1_epi32(numbers));
}

// Rows to be multiplied, in groups of 32 numbers with a scale, that of 256 * upper + lower where a group has lower halves,
// of upper where it has none. Eight rows are a tile, in which each group's quads come one after the other, each row's
// beside the other rows', and so do what belongs to the groups: scales, sums of numbers, sums of values.
struct Rows {
    int count, width, groups;
    std::vector<int8_t> upper, lower;
    std::vector<float> scales, shares;
    std::vector<int32_t> sums;
    std::vector<uint8_t> has_lower;  // a bit for each row of a tile's group

    Rows(int count, int width)
        : count(count), width(width), groups((width + GROUP - 1) / GROUP), upper(places() * GROUP * TILE),
          lower(upper.size()), scales(places() * TILE), shares(scales.size()), sums(scales.size()), has_lower(places()) {}

    // Groups of all tiles.
    size_t places() const { return size_t(count + TILE - 1) / TILE * groups; }

    // Round one row's numbers of a tile's group: to 8 bits or, if one stands out and the others would lose theirs, to 16.
    // What is no number makes no number of the scale.
    void put(size_t place, int row, const float *values) {
        const __m512 parts[] = {_mm512_loadu_ps(values), _mm512_loadu_ps(values + LANES)};
        const float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(parts[0]), _mm512_abs_ps(parts[1])));
        const Floats squares = (Floats)parts[0] * (Floats)parts[0] + (Floats)parts[1] * (Floats)parts[1];
        const bool is_fine = largest * largest > OUTLIER * OUTLIER / GROUP * sum(squares);
        const float most = is_fine ? 127.0f * 256.0f : 127.0f;
        const __m512 factor = _mm512_set1_ps(largest > 0 ? most / largest : 0.0f);
        int8_t tops[GROUP], rests[GROUP];
        __m512i total = _mm512_setzero_si512();
        bool is_numeric = true;
        for (int part = 0; part < 2; part++) {
            __m512i numbers = _mm512_cvtps_epi32(_mm512_mul_ps(parts[part], factor));
            total = _mm512_add_epi32(total, numbers);
            if (is_fine) {
                const __m512i top = _mm512_srai_epi32(_mm512_add_epi32(numbers, _mm512_set1_epi32(128)), 8);
                const __m512i rest = _mm512_sub_epi32(numbers, _mm512_slli_epi32(top, 8));
                _mm_storeu_si128((__m128i *)(rests + part * LANES), _mm512_cvtsepi32_epi8(rest));
                numbers = top;
            }
            _mm_storeu_si128((__m128i *)(tops + part * LANES), _mm512_cvtsepi32_epi8(numbers));
            is_numeric = is_numeric && !_mm512_cmp_ps_mask(parts[part], parts[part], _CMP_UNORD_Q);
        }
        for (int quad = 0; quad < GROUP / QUAD; quad++) {
            const size_t to = quad_place(place, quad, row);
            std::memcpy(&upper[to], tops + quad * QUAD, QUAD);
            if (is_fine) std::memcpy(&lower[to], rests + quad * QUAD, QUAD);
        }
        const float scale = is_numeric ? largest / most : NAN;
        scales[place * TILE + row] = scale;
        sums[place * TILE + row] = _mm512_reduce_add_epi32(total);
        shares[place * TILE + row] = scale * float(sums[place * TILE + row]);
        has_lower[place] = uint8_t((has_lower[place] & ~(1 << row)) | int(is_fine) << row);
    }

    static size_t quad_place(size_t place, int quad, int row) {
        return ((place * (GROUP / QUAD) + quad) * TILE + row) * QUAD;
    }
};

// What is done with each quad's weights of a block's group: 16 outputs' levels of four bits, quads 0 to 3 in the lower
// halves of bytes, or weights of eight.
template <int BITS, typename Work>
inline void each_quad(const uint8_t *packed, Work work) {
    const __m512i lower_bits = _mm512_set1_epi8(15);
    if (BITS == 4)
        for (int quad = 0; quad < 4; quad++) {
            const __m512i both = _mm512_loadu_si512(packed + 64 * quad);
            work(quad, _mm512_and_si512(both, lower_bits));
            work(quad + 4, _mm512_and_si512(_mm512_srli_epi16(both, 4), lower_bits));
        }
    else
        for (int quad = 0; quad < 8; quad++) work(quad, _mm512_loadu_si512(packed + 64 * quad));
}

constexpr int64_t group_bytes(int bits) { return bits == 4 ? GROUP_BYTES : GROUP * LANES; }

// How far apart two blocks are.
constexpr int64_t block_bytes(int bits, int groups) {
    return groups * group_bytes(bits) + (bits == 4 ? 0 : LANES * sizeof(float));
}

// Rows of a tile times a block's weights: of four bits, level * scale + minimum; of eight, whole numbers, 128 added to
// each, times a scale for each output that comes last. Meanwhile the next block is on its way from memory.
template <int COUNT, int BITS>
inline void multiply_block(const uint8_t *packed, const Rows &rows, int first, __m512 *totals) {
    const int lane = first % TILE;
    size_t place = size_t(first / TILE) * rows.groups;
    for (int group = 0; group < rows.groups; group++, place++) {
        const int8_t *quads = &rows.upper[Rows::quad_place(place, 0, lane)];
        const float *scales = &rows.scales[place * TILE + lane], *shares = &rows.shares[place * TILE + lane];
        const int32_t *row_sums = &rows.sums[place * TILE + lane];
        for (int line = 0; line < group_bytes(BITS); line += 64)
            _mm_prefetch((const char *)packed + block_bytes(BITS, rows.groups) + line, _MM_HINT_T0);
        __m512i sums[COUNT];
        for (int row = 0; row < COUNT; row++) sums[row] = _mm512_setzero_si512();
        each_quad<BITS>(packed, [&](int quad, __m512i weights) {
            for (int row = 0; row < COUNT; row++)
                sums[row] = add_products(sums[row], weights, quads + (quad * TILE + row) * QUAD);
        });
        if (const unsigned has_lower = rows.has_lower[place] >> lane) {
            __m512i more[TILE];
            for (unsigned left = has_lower; left; left &= left - 1) {
                const int row = __builtin_ctz(left);
                const int8_t *halves = &rows.lower[Rows::quad_place(place, 0, lane + row)];
                __m512i even = _mm512_setzero_si512(), odd = even;
                each_quad<BITS>(packed, [&](int quad, __m512i weights) {
                    __m512i &sum = quad % 2 ? odd : even;
                    sum = add_products(sum, weights, halves + quad * TILE * QUAD);
                });
                more[row] = _mm512_add_epi32(even, odd);
            }
            for (int row = 0; row < COUNT; row++)
                if (has_lower >> row & 1) sums[row] = _mm512_add_epi32(_mm512_slli_epi32(sums[row], 8), more[row]);
        }
        if (BITS == 4) {
            const __m512 block_scales = (__m512)halves(packed + 256), minimums = (__m512)halves(packed + 288);
            for (int row = 0; row < COUNT; row++) {
                const __m512 both = _mm512_mul_ps(block_scales, _mm512_set1_ps(scales[row]));
                totals[row] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[row]), both, totals[row]);
                totals[row] = _mm512_fmadd_ps(minimums, _mm512_set1_ps(shares[row]), totals[row]);
            }
        } else {
            for (int row = 0; row < COUNT; row++) {
                const __m512i sum = _mm512_sub_epi32(sums[row], _mm512_set1_epi32(128 * row_sums[row]));
                totals[row] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(scales[row]), totals[row]);
            }
        }
        packed += group_bytes(BITS);
    }
    if (BITS == 8) {
        const __m512 scales = _mm512_loadu_ps(packed);
        for (int row = 0; row < COUNT; row++) totals[row] = _mm512_mul_ps(totals[row], scales);
    }
}

}  // namespace

extern "C" {

struct Matrix {
    const uint8_t *packed;
    const float *bias;  // or null
    int32_t outputs, width, bits;
};

struct Layer {
    Matrix qkv, output, gate_up, down;
    const float *norm, *ffn_norm, *query_norm, *key_norm;  // the last two may be null
};

struct Model {
    const Layer *layers;
    const float *norm;
    Matrix head;
    int32_t count, width, heads, kv_heads, head_width, ffn_width;
    float norm_eps;
};

// A token: where its text's keys and values lie, how far apart those of two layers are, in numbers; its place in the
// text, the first place that it sees.
struct Token {
    Bf16 *kept;
    int64_t apart;
    int32_t place, first;
};

}  // extern "C"

namespace {

int padded(int outputs) { return (outputs + LANES - 1) / LANES * LANES; }

// What one of several threads does.
struct Share {
    int number, of;

    int begin(int count) const { return int(int64_t(count) * number / of); }
    int end(int count) const { return int(int64_t(count) * (number + 1) / of); }
};

// Fill rows with what `value(row, place)` makes, 16 numbers from `place` on. A tile's group lies together: one thread
// writes all of it.
template <typename Value>
void fill(Rows &rows, Share share, Value value) {
    const int places = int(rows.places());
    for (int place = share.begin(places); place < share.end(places); place++) {
        const int first = place / rows.groups * TILE, begin = place % rows.groups * GROUP;
        for (int row = first; row < std::min(rows.count, first + TILE); row++) {
            float values[GROUP] = {};
            for (int number = begin; number < std::min(rows.width, begin + GROUP); number += LANES)
                stored(value(row, number), values + number - begin);
            for (int number = rows.width; number < begin + GROUP; number++) values[number - begin] = 0;
            rows.put(place, row - first, values);
        }
    }
}

template <int COUNT>
void multiply_tile(const Matrix &matrix, const Rows &rows, int first, int block, float *to, int apart, bool adds) {
    __m512 totals[COUNT] = {};
    const uint8_t *packed = matrix.packed + block * block_bytes(matrix.bits, rows.groups);
    if (matrix.bits == 4)
        multiply_block<COUNT, 4>(packed, rows, first, totals);
    else
        multiply_block<COUNT, 8>(packed, rows, first, totals);
    for (int row = 0; row < COUNT; row++) {
        float *place = to + int64_t(first + row) * apart + block * LANES;
        Floats total = (Floats)totals[row];
        if (matrix.bias) total += loaded<Floats>(matrix.bias + block * LANES);
        stored(adds ? loaded<Floats>(place) + total : total, place);
    }
}

// Rows times a matrix, into rows that are `apart`, or added to them.
void multiply(const Matrix &matrix, const Rows &rows, int from, int count, float *to, int apart, bool adds, Share share) {
    using Tile = void (*)(const Matrix &, const Rows &, int, int, float *, int, bool);
    static constexpr Tile tiles[] = {
        multiply_tile<1>, multiply_tile<2>, multiply_tile<3>, multiply_tile<4>,
        multiply_tile<5>, multiply_tile<6>, multiply_tile<7>, multiply_tile<8>,
    };
    const int blocks = padded(matrix.outputs) / LANES;
    for (int block = share.begin(blocks); block < share.end(blocks); block++)
        for (int first = from, next; first < count; first = next) {
            next = std::min(count, (first / TILE + 1) * TILE);
            tiles[next - first - 1](matrix, rows, first, block, to, apart, adds);
        }
}

float inverse_size(const float *row, int width, float eps) {
    float squares = 0;
    Floats sums = {};
    int place = 0;
    for (; place + LANES <= width; place += LANES) sums += loaded<Floats>(row + place) * loaded<Floats>(row + place);
    for (; place < width; place++) squares += row[place] * row[place];
    return 1.0f / std::sqrt((sum(sums) + squares) / float(width) + eps);
}

// RMSNorm of rows that are `apart`.
void normalise(const float *x, int apart, int count, const float *weight, float eps, Rows &rows, Share share) {
    std::vector<float> factors(count);
    for (int row = 0; row < count; row++) factors[row] = inverse_size(x + int64_t(row) * apart, rows.width, eps);
    fill(rows, share, [&](int row, int place) {
        return loaded<Floats>(x + int64_t(row) * apart + place) * factors[row] * loaded<Floats>(weight + place);
    });
}

inline void store_rounded(Floats numbers, Bf16 *to) {
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)numbers);
    std::memcpy(to, &rounded, sizeof rounded);
}

// A head, normalised if there is a norm, turned by its place's angles (cosine, signed sine), and rounded.
void turn(const float *head, const float *norm, const float *cos, const float *sin, int width, float eps, Bf16 *to) {
    const float factor = norm ? inverse_size(head, width, eps) : 1.0f;
    const int half = width / 2;
    for (int place = 0; place < half; place += LANES) {
        Floats one = loaded<Floats>(head + place) * factor, other = loaded<Floats>(head + place + half) * factor;
        if (norm) one *= loaded<Floats>(norm + place), other *= loaded<Floats>(norm + place + half);
        store_rounded(one * loaded<Floats>(cos + place) + other * loaded<Floats>(sin + place), to + place);
        store_rounded(other * loaded<Floats>(cos + place + half) + one * loaded<Floats>(sin + place + half),
                      to + place + half);
    }
}

// Tokens of one text that follow each other, whose keys and values are so read together.
struct Run {
    int row, count;
};

constexpr int LONGEST_RUN = 16;

// Runs that are about as long, so that no thread is left with the longest.
std::vector<Run> runs_of(const Token *tokens, int count, int threads) {
    const int longest = std::min(LONGEST_RUN, (count + threads - 1) / threads);
    std::vector<Run> runs;
    for (int row = 0; row < count; row++) {
        bool goes_on = !runs.empty() && runs.back().count < longest && tokens[row].kept == tokens[row - 1].kept &&
                       tokens[row].place == tokens[row - 1].place + 1;
        if (goes_on) runs.back().count++;
        else runs.push_back({row, 1});
    }
    return runs;
}

// What attention needs to know of the model and a layer, and room to work in.
struct Attention {
    struct Query {
        const Token *token;
        size_t place;  // of its head, among all rows' numbers
    };

    int heads, kv_heads, head_width, group;
    float scale;  // of scores, whose powers of two are taken
    std::vector<Query> queries;
    std::vector<float> scores, highest, totals, mixed;
    std::vector<Bf16> shares;
    std::vector<uint32_t> pairs;

    // `places`: the most that a token sees; `tokens`: those of the longest run.
    Attention(const Model &model, int places, int tokens)
        : heads(model.heads), kv_heads(model.kv_heads), head_width(model.head_width), group(heads / kv_heads),
          scale(LOG2_E / std::sqrt(float(head_width))), queries(size_t(tokens) * group), scores(queries.size() * (places + tokens + 2 * LANES)),
          highest(queries.size() * LANES), totals(queries.size() * LANES), mixed(queries.size() * head_width),
          shares(queries.size() * LANES), pairs(LANES / 2 * head_width) {}

    // softmax(queries keys) values of a run's heads that share one of keys and values, in blocks of 16 places; places
    // are counted from the text's beginning, so that a sum has the same order in every run.
    void attend(const Run &run, const Token *tokens, int64_t layer, int kv_head, const Bf16 *turned, float *seen) {
        const Token &last = tokens[run.row + run.count - 1];
        const int begin = tokens[run.row].first / LANES * LANES, end = last.place + 1;
        const Bf16 *keys = last.kept + 2 * layer * last.apart + kv_head * head_width, *values = keys + last.apart;
        const int count = run.count * group;
        for (int row = 0, query = 0; row < run.count; row++)
            for (int head = kv_head * group; head < (kv_head + 1) * group; head++, query++)
                queries[query] = {tokens + run.row + row, (size_t(run.row + row) * heads + head) * head_width};
        fetch(values, begin, end);
        std::fill(highest.begin(), highest.end(), -INFINITY);
        for (int block = begin; block < end; block += LANES) {
            const bool all_seen = do_all_see(tokens[run.row], last, block);
            pack_keys(keys, block, end);
            in_eights(count, [&](auto together, int first) {
                constexpr int TOGETHER = together;
                const Bf16 *asked[TOGETHER];
                Floats found[TOGETHER];
                for (int one = 0; one < TOGETHER; one++) asked[one] = turned + queries[first + one].place;
                scores_of<TOGETHER>(asked, found);
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
            pack_values(values, block, end);
            for (int query = 0; query < count; query++) {
                const __mmask16 is_seen = all_seen ? EVERY : seen_of(*queries[query].token, block);
                const Floats score = loaded<Floats>(&scores[size_t(block - begin) * count + query * LANES]);
                const Floats share = power_of_two(score - highest[query]);
                Bf16 *rounded = &shares[query * LANES];
                store_rounded((Floats)_mm512_maskz_mov_ps(is_seen, (__m512)share), rounded);
                stored(loaded<Floats>(&totals[query * LANES]) + widened(rounded), &totals[query * LANES]);
            }
            in_eights(count, [&](auto together, int first) {
                mix<together>(&shares[first * LANES], &mixed[size_t(first) * head_width]);
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
    void fetch(const Bf16 *from, int block, int end) const {
        for (int place = block; place < std::min(block + LANES, end); place++)
            for (int number = 0; number < head_width; number += 2 * LANES)
                _mm_prefetch((const char *)(from + int64_t(place) * kv_heads * head_width + number), _MM_HINT_T0);
    }

    // Pairs of a key's numbers, each of 16 places beside each other.
    void pack_keys(const Bf16 *keys, int block, int end) {
        const int64_t apart = int64_t(kv_heads) * head_width;
        fetch(keys, block + LANES, end);
        for (int pair = 0; pair < head_width / 2; pair += LANES) {
            __m512i rows[LANES];
            for (int place = 0; place < LANES; place++)
                rows[place] = _mm512_loadu_si512(keys + std::min(block + place, end - 1) * apart + 2 * pair);
            transpose(rows);
            for (int place = 0; place < LANES; place++) _mm512_storeu_si512(&pairs[(pair + place) * LANES], rows[place]);
        }
    }

    // 16 rows of 16 numbers of 32 bits: by pairs of numbers, pairs of those, and quarters of vectors.
    static void transpose(__m512i (&rows)[LANES]) {
        __m512i other[LANES];
        for (int row = 0; row < LANES; row += 2) {
            other[row] = _mm512_unpacklo_epi32(rows[row], rows[row + 1]);
            other[row + 1] = _mm512_unpackhi_epi32(rows[row], rows[row + 1]);
        }
        for (int row = 0; row < LANES; row += 4)
            for (int half = 0; half < 2; half++) {
                rows[row + 2 * half] = _mm512_unpacklo_epi64(other[row + half], other[row + half + 2]);
                rows[row + 2 * half + 1] = _mm512_unpackhi_epi64(other[row + half], other[row + half + 2]);
            }
        for (int row = 0; row < 4; row++)
            for (int half = 0; half < LANES; half += 8) {
                other[half + row] = _mm512_shuffle_i32x4(rows[half + row], rows[half + row + 4], 0x88);
                other[half + row + 4] = _mm512_shuffle_i32x4(rows[half + row], rows[half + row + 4], 0xdd);
            }
        for (int row = 0; row < 8; row++) {
            rows[row] = _mm512_shuffle_i32x4(other[row], other[row + 8], 0x88);
            rows[row + 8] = _mm512_shuffle_i32x4(other[row], other[row + 8], 0xdd);
        }
    }

    // Pairs of places' values, each number of a head beside the others.
    void pack_values(const Bf16 *values, int block, int end) {
        const int64_t apart = int64_t(kv_heads) * head_width;
        fetch(values, block + LANES, end);
        for (int pair = 0; pair < LANES / 2; pair++) {
            const Bf16 *one = values + std::min(block + 2 * pair, end - 1) * apart;
            const Bf16 *other = values + std::min(block + 2 * pair + 1, end - 1) * apart;
            for (int place = 0; place < head_width; place += LANES) {
                __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(one + place)));
                __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(other + place)));
                _mm512_storeu_si512(&pairs[pair * head_width + place], _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
            }
        }
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
    void scores_of(const Bf16 *const *queries, Floats *found) const {
        __m512 sums[TOGETHER], other[TOGETHER];
        for (int one = 0; one < TOGETHER; one++) sums[one] = other[one] = _mm512_setzero_ps();
        for (int pair = 0; pair < head_width / 2; pair += 2) {
            const __m512bh even = (__m512bh)_mm512_loadu_si512(&pairs[pair * LANES]);
            const __m512bh odd = (__m512bh)_mm512_loadu_si512(&pairs[(pair + 1) * LANES]);
            for (int one = 0; one < TOGETHER; one++) {
                sums[one] = _mm512_dpbf16_ps(sums[one], even, both(queries[one] + 2 * pair));
                other[one] = _mm512_dpbf16_ps(other[one], odd, both(queries[one] + 2 * pair + 2));
            }
        }
        for (int one = 0; one < TOGETHER; one++) found[one] = ((Floats)sums[one] + (Floats)other[one]) * scale;
    }

    // Add 16 places' values, each query's by its shares of them.
    template <int TOGETHER>
    void mix(const Bf16 *shares, float *to) const {
        for (int place = 0; place < head_width; place += 2 * LANES) {
            __m512 sums[TOGETHER][2];
            for (int one = 0; one < TOGETHER; one++)
                for (int half = 0; half < 2; half++)
                    sums[one][half] = _mm512_loadu_ps(to + one * head_width + place + half * LANES);
            for (int pair = 0; pair < LANES / 2; pair++) {
                const uint32_t *from = &pairs[pair * head_width + place];
                const __m512bh values[] = {(__m512bh)_mm512_loadu_si512(from), (__m512bh)_mm512_loadu_si512(from + LANES)};
                for (int one = 0; one < TOGETHER; one++)
                    for (int half = 0; half < 2; half++)
                        sums[one][half] = _mm512_dpbf16_ps(sums[one][half], values[half], both(shares + one * LANES + 2 * pair));
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

// The scores of what comes after each of the last `scored` of `count` tokens. `x`: their embeddings (count, width);
// `cos` and `sin`: (count, head width); `scores`: (scored, outputs of the head, padded to 16). Tokens of one text come
// in its order; their keys and values are stored.
extern "C" void step(const Model *model, int32_t count, const Token *tokens, const float *x, const float *cos,
                     const float *sin, int32_t scored, float *scores, int32_t threads) {
    const int width = model->width, head_width = model->head_width, ffn = model->ffn_width;
    const int queries = model->heads * head_width, kv = model->kv_heads * head_width;
    const int apart = padded(width), qkv_apart = padded(queries + 2 * kv), ffn_apart = padded(2 * ffn);
    std::vector<float> sums(size_t(count) * apart), qkv(size_t(count) * qkv_apart), gated(size_t(count) * ffn_apart);
    std::vector<Bf16> turned(size_t(count) * queries);
    std::vector<float> seen(size_t(count) * queries);
    Rows rows(count, width), attended(count, queries), activated(count, ffn);
    const std::vector<Run> runs = runs_of(tokens, count, threads);
    int longest = 0, longest_run = 0;
    for (const Run &run : runs) longest_run = std::max(longest_run, run.count);
    for (int row = 0; row < count; row++) {
        std::copy_n(x + int64_t(row) * width, width, &sums[size_t(row) * apart]);
        longest = std::max(longest, tokens[row].place + 1 - tokens[row].first);
    }

#pragma omp parallel num_threads(threads)
    {
        const Share share{omp_get_thread_num(), omp_get_num_threads()};
        Attention attention(*model, longest, longest_run);
        for (int number = 0; number < model->count; number++) {
            const Layer &layer = model->layers[number];
            normalise(sums.data(), apart, count, layer.norm, model->norm_eps, rows, share);
#pragma omp barrier
            multiply(layer.qkv, rows, 0, count, qkv.data(), qkv_apart, false, share);
#pragma omp barrier
            const int all_heads = model->heads + 2 * model->kv_heads;
            for (int task = share.begin(count * all_heads); task < share.end(count * all_heads); task++) {
                const int row = task / all_heads, head = task % all_heads;
                const Token &token = tokens[row];
                const float *from = &qkv[size_t(row) * qkv_apart + size_t(head) * head_width];
                const float *row_cos = cos + int64_t(row) * head_width, *row_sin = sin + int64_t(row) * head_width;
                Bf16 *kept = token.kept + 2 * number * token.apart + int64_t(token.place) * kv;
                if (head < model->heads) {
                    turn(from, layer.query_norm, row_cos, row_sin, head_width, model->norm_eps,
                         &turned[size_t(row) * queries + size_t(head) * head_width]);
                } else if (head < model->heads + model->kv_heads) {
                    turn(from, layer.key_norm, row_cos, row_sin, head_width, model->norm_eps,
                         kept + (head - model->heads) * head_width);
                } else {
                    Bf16 *value = kept + token.apart + (head - model->heads - model->kv_heads) * head_width;
                    for (int place = 0; place < head_width; place += LANES)
                        store_rounded(loaded<Floats>(from + place), value + place);
                }
            }
#pragma omp barrier
#pragma omp for schedule(dynamic)
            for (int task = 0; task < int(runs.size()) * model->kv_heads; task++)
                attention.attend(runs[task / model->kv_heads], tokens, number, task % model->kv_heads, turned.data(),
                                 seen.data());
            fill(attended, share, [&](int row, int place) { return loaded<Floats>(&seen[size_t(row) * queries + place]); });
#pragma omp barrier
            multiply(layer.output, attended, 0, count, sums.data(), apart, true, share);
#pragma omp barrier
            normalise(sums.data(), apart, count, layer.ffn_norm, model->norm_eps, rows, share);
#pragma omp barrier
            multiply(layer.gate_up, rows, 0, count, gated.data(), ffn_apart, false, share);
#pragma omp barrier
            fill(activated, share, [&](int row, int place) {
                const float *gate = &gated[size_t(row) * ffn_apart + place];
                Floats number = loaded<Floats>(gate);
                return number / (1.0f + power_of_two(number * -LOG2_E)) * loaded<Floats>(gate + ffn);
            });
#pragma omp barrier
            multiply(layer.down, activated, 0, count, sums.data(), apart, true, share);
#pragma omp barrier
        }
        normalise(sums.data(), apart, count, model->norm, model->norm_eps, rows, share);
#pragma omp barrier
        multiply(model->head, rows, count - scored, count, scores - int64_t(count - scored) * padded(model->head.outputs),
                 padded(model->head.outputs), false, share);
    }
}
