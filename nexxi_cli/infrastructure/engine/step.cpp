// One step of a Llama-like model: a few tokens through all layers at once, whichever texts they belong to.
//
// The arithmetic of block.py, with sums in float32 and rows rounded to bfloat16 where they are multiplied. A row's
// result is the same whoever stands beside it: each sum has one order. Matrices lie in blocks of 16 outputs (blocks.py),
// so that a vector holds one number of each output and every weight is unpacked once for up to 8 rows.

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int LANES = 16;
constexpr int GROUP = 32;      // weights that share a scale
constexpr int TILE = 16;      // rows for which a weight is unpacked once
constexpr int GROUP_BYTES = 320;  // of a block: 256 of weights, 32 of scales, 32 of midpoints

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

inline float widened(Bf16 value) {
    uint32_t bits = uint32_t(value) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof wide);
    return wide;
}

// To the nearest, ties to even, as torch does.
inline Bf16 narrowed(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
    return Bf16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float sum(Floats vector) { return _mm512_reduce_add_ps((__m512)vector); }

// e to the power of x, to 1e-7 of it (Cephes' expf, Moshier 1989).
inline Floats exponential(Floats x) {
    x = x < -87.0f ? all(-87.0f) : x;
    x = x > 88.0f ? all(88.0f) : x;
    Floats power = (x * 1.44269504f + 12582912.0f) - 12582912.0f;  // to a whole number
    Floats rest = x - power * 0.693359375f + power * 2.12194440e-4f;
    Floats result = all(1.9875691500e-4f);
    for (float factor : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
        result = result * rest + factor;
    result = result * rest * rest + rest + 1.0f;
    return result * (Floats)((__builtin_convertvector(power, Ints) + 127) << 23);
}

// Sixteen pairs of weights, times a pair of a row's numbers, added to `sums`.
typedef __m512bh Pairs;

inline Floats add_products(Floats sums, Pairs weights, const Bf16 *pair) {
    int both;
    std::memcpy(&both, pair, sizeof both);
    return (Floats)_mm512_dpbf16_ps((__m512)sums, weights, (__m512bh)_mm512_set1_epi32(both));
}

inline Pairs four_bit_pairs(const uint8_t *packed) {
    const __m512i values = _mm512_castsi256_si512(_mm256_setr_epi16(  // -8 to 7
        (short)0xc100, (short)0xc0e0, (short)0xc0c0, (short)0xc0a0, (short)0xc080, (short)0xc040, (short)0xc000,
        (short)0xbf80, 0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0));
    __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)packed));
    __m512i both = _mm512_or_si512(bytes, _mm512_slli_epi32(bytes, 12));
    return (Pairs)_mm512_permutexvar_epi16(_mm512_and_si512(both, _mm512_set1_epi32(0x000f000f)), values);
}

inline Pairs eight_bit_pairs(const int8_t *packed) {
    __m512 first = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)packed)));
    __m512 second = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(packed + LANES))));
    __m512i upper = _mm512_and_si512((__m512i)second, _mm512_set1_epi32((int)0xffff0000));
    return (Pairs)_mm512_or_si512(_mm512_srli_epi32((__m512i)first, 16), upper);  // exact: 8 bits are left
}

// Rows to be multiplied, and the sums of their groups. Pairs of numbers come one after the other, each row's beside the
// other rows', and so do the sums.
struct Rows {
    int count, width, groups;
    std::vector<Bf16> numbers;
    std::vector<float> sums;

    Rows(int count, int width)
        : count(count), width(width), groups((width + GROUP - 1) / GROUP), numbers(size_t(count) * groups * GROUP),
          sums(size_t(count) * groups) {}

    const Bf16 *pairs(int place, int row) const { return &numbers[size_t(place) * count + 2 * row]; }

    // Round one group of a row; what lies beyond its width is 0.
    void put(int row, int group, const float *values) {
        Floats low = loaded<Floats>(values), high = loaded<Floats>(values + LANES);
        __m512bh rounded = _mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
        Bf16 parts[GROUP];
        std::memcpy(parts, &rounded, sizeof parts);
        for (int pair = 0; pair < GROUP; pair += 2)
            std::memcpy(&numbers[size_t(group * GROUP + pair) * count + 2 * row], parts + pair, 2 * sizeof(Bf16));
        sums[size_t(group) * count + row] = sum(widened(parts) + widened(parts + LANES));
    }
};

template <int COUNT>
inline void four_bit_block(const uint8_t *packed, const Rows &rows, int first, Floats *totals) {
    const Bf16 *numbers = rows.pairs(0, first);
    const float *sums = &rows.sums[first];
    for (int group = 0; group < rows.groups; group++, packed += GROUP_BYTES, sums += rows.count) {
        Floats parts[COUNT] = {};
        for (int pair = 0; pair < GROUP / 2; pair++, numbers += 2 * rows.count) {
            Pairs weights = four_bit_pairs(packed + pair * LANES);
            for (int row = 0; row < COUNT; row++) parts[row] = add_products(parts[row], weights, numbers + 2 * row);
        }
        Floats scales = widened((const Bf16 *)(packed + 256)), middles = widened((const Bf16 *)(packed + 288));
        for (int row = 0; row < COUNT; row++) totals[row] += scales * parts[row] + middles * sums[row];
    }
}

// Every second pair of a block's weights, from `place` on, times the rows.
template <int COUNT>
inline void add_every_second(const int8_t *weights, const Rows &rows, int first, int place, Floats *sums) {
    for (; place < rows.width; place += 4) {
        Pairs pairs = eight_bit_pairs(weights + place * LANES);
        const Bf16 *numbers = rows.pairs(place, first);
        for (int row = 0; row < COUNT; row++) sums[row] = add_products(sums[row], pairs, numbers + 2 * row);
    }
}

template <int COUNT>
inline void eight_bit_block(const uint8_t *packed, const Rows &rows, int first, Floats *totals) {
    const int8_t *weights = (const int8_t *)packed;
    Floats sums[COUNT] = {}, other[COUNT] = {};  // of every second pair, as each sum waits for the one before it
    if (COUNT <= 4) {
        int place = 0;
        for (; place + 4 <= rows.width; place += 4) {
            Pairs pairs = eight_bit_pairs(weights + place * LANES), next = eight_bit_pairs(weights + (place + 2) * LANES);
            const Bf16 *numbers = rows.pairs(place, first);
            for (int row = 0; row < COUNT; row++) {
                sums[row] = add_products(sums[row], pairs, numbers + 2 * row);
                other[row] = add_products(other[row], next, numbers + 2 * (rows.count + row));
            }
        }
        add_every_second<COUNT>(weights, rows, first, place, sums);
    } else {  // one after the other, as they would not fit into the registers
        add_every_second<COUNT>(weights, rows, first, 0, sums);
        add_every_second<COUNT>(weights, rows, first, 2, other);
    }
    Floats scales = loaded<Floats>(weights + rows.width * LANES);
    for (int row = 0; row < COUNT; row++) totals[row] = (sums[row] + other[row]) * scales;
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

// Fill rows with what `value(row, place)` makes, 16 numbers from `place` on. A group's rows lie side by side: one thread
// writes all of them.
template <typename Value>
void fill(Rows &rows, Share share, Value value) {
    for (int task = share.begin(rows.groups * rows.count); task < share.end(rows.groups * rows.count); task++) {
        const int group = task / rows.count, row = task % rows.count, begin = group * GROUP;
        float values[GROUP] = {};
        for (int place = begin; place < std::min(rows.width, begin + GROUP); place += LANES)
            stored(value(row, place), values + place - begin);
        for (int place = rows.width; place < begin + GROUP; place++) values[place - begin] = 0;
        rows.put(row, group, values);
    }
}

template <int COUNT>
void multiply_tile(const Matrix &matrix, const Rows &rows, int first, int block, float *to, int apart, bool adds) {
    Floats totals[COUNT] = {};
    int64_t block_bytes = matrix.bits == 4 ? int64_t(rows.groups) * GROUP_BYTES
                                           : int64_t(rows.width) * LANES + LANES * sizeof(float);
    const uint8_t *packed = matrix.packed + block * block_bytes;
    if (matrix.bits == 4)
        four_bit_block<COUNT>(packed, rows, first, totals);
    else
        eight_bit_block<COUNT>(packed, rows, first, totals);
    for (int row = 0; row < COUNT; row++) {
        float *place = to + int64_t(first + row) * apart + block * LANES;
        if (matrix.bias) totals[row] += loaded<Floats>(matrix.bias + block * LANES);
        stored(adds ? loaded<Floats>(place) + totals[row] : totals[row], place);
    }
}

// Rows times a matrix, into rows that are `apart`, or added to them.
void multiply(const Matrix &matrix, const Rows &rows, int from, int count, float *to, int apart, bool adds, Share share) {
    using Tile = void (*)(const Matrix &, const Rows &, int, int, float *, int, bool);
    static constexpr Tile tiles[] = {
        multiply_tile<1>,  multiply_tile<2>,  multiply_tile<3>,  multiply_tile<4>,  multiply_tile<5>,  multiply_tile<6>,
        multiply_tile<7>,  multiply_tile<8>,  multiply_tile<9>,  multiply_tile<10>, multiply_tile<11>, multiply_tile<12>,
        multiply_tile<13>, multiply_tile<14>, multiply_tile<15>, multiply_tile<16>,
    };
    int blocks = padded(matrix.outputs) / LANES;
    for (int block = share.begin(blocks); block < share.end(blocks); block++)
        for (int first = from; first < count; first += TILE)
            tiles[std::min(TILE, count - first) - 1](matrix, rows, first, block, to, apart, adds);
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

// A head, normalised if there is a norm, turned by its place's angles (cosine, signed sine), and rounded.
void turn(const float *head, const float *norm, const float *cos, const float *sin, int width, float eps, Bf16 *to) {
    float factor = norm ? inverse_size(head, width, eps) : 1.0f;
    const int half = width / 2;
    for (int place = 0; place < half; place++) {
        float one = head[place] * factor, other = head[place + half] * factor;
        if (norm) one *= norm[place], other *= norm[place + half];
        to[place] = narrowed(one * cos[place] + other * sin[place]);
        to[place + half] = narrowed(other * cos[place + half] + one * sin[place + half]);
    }
}

// What one head of a token sees: softmax(query keys) values. `keys` and `values` are `apart`.
template <int CHUNKS>
void attend(const Bf16 *query, const Bf16 *keys, const Bf16 *values, int apart, int count, float *shares, float *to) {
    Floats mixed[CHUNKS] = {};
    float scale = 1.0f / std::sqrt(float(CHUNKS * LANES)), highest = -INFINITY;
    for (int place = 0; place < count; place++) {
        Floats products = {};
        for (int chunk = 0; chunk < CHUNKS; chunk += 2)
            products = (Floats)_mm512_dpbf16_ps((__m512)products, loaded<__m512bh>(query + chunk * LANES),
                                                loaded<__m512bh>(keys + int64_t(place) * apart + chunk * LANES));
        shares[place] = sum(products) * scale;
        highest = std::max(highest, shares[place]);
    }
    for (int place = count; place % LANES; place++) shares[place] = -INFINITY;
    Floats totals = {};
    for (int place = 0; place < count; place += LANES) {
        Floats part = exponential(loaded<Floats>(shares + place) - highest);
        part = loaded<Floats>(shares + place) < -1e30f ? Floats{} : part;
        stored(part, shares + place);
        totals += part;
    }
    for (int place = 0; place < count; place++)
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            mixed[chunk] += shares[place] * widened(values + int64_t(place) * apart + chunk * LANES);
    float all_shares = sum(totals);
    for (int chunk = 0; chunk < CHUNKS; chunk++) stored(mixed[chunk] / all_shares, to + chunk * LANES);
}

void attend(int width, const Bf16 *query, const Bf16 *keys, const Bf16 *values, int apart, int count, float *shares,
            float *to) {
    switch (width / LANES) {
        case 2: return attend<2>(query, keys, values, apart, count, shares, to);
        case 4: return attend<4>(query, keys, values, apart, count, shares, to);
        case 6: return attend<6>(query, keys, values, apart, count, shares, to);
        case 8: return attend<8>(query, keys, values, apart, count, shares, to);
        default: return attend<16>(query, keys, values, apart, count, shares, to);
    }
}

}  // namespace

// The scores of what comes after each of the last `scored` of `count` tokens. `x`: their embeddings (count, width);
// `cos` and `sin`: (count, head width); `scores`: (scored, outputs of the head, padded to 16). Tokens of one text come
// in its order; their keys and values are stored.
extern "C" void step(const Model *model, int32_t count, const Token *tokens, const float *x, const float *cos,
                     const float *sin, int32_t scored, float *scores, int32_t threads) {
    const int width = model->width, head_width = model->head_width, ffn = model->ffn_width;
    const int queries = model->heads * head_width, kv = model->kv_heads * head_width;
    const int apart = padded(width), qkv_apart = padded(queries + 2 * kv), ffn_apart = padded(2 * ffn);
    const int group = model->heads / model->kv_heads;
    std::vector<float> sums(size_t(count) * apart), qkv(size_t(count) * qkv_apart), gated(size_t(count) * ffn_apart);
    std::vector<Bf16> turned(size_t(count) * queries);
    std::vector<float> seen(size_t(count) * queries);
    Rows rows(count, width), attended(count, queries), activated(count, ffn);
    int longest = 0;
    for (int row = 0; row < count; row++) {
        std::copy_n(x + int64_t(row) * width, width, &sums[size_t(row) * apart]);
        longest = std::max(longest, tokens[row].place + 1 - tokens[row].first);
    }

#pragma omp parallel num_threads(threads)
    {
        const Share share{omp_get_thread_num(), omp_get_num_threads()};
        std::vector<float> shares(padded(longest));
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
                    for (int place = 0; place < head_width; place++) value[place] = narrowed(from[place]);
                }
            }
#pragma omp barrier
            for (int task = share.begin(count * model->heads); task < share.end(count * model->heads); task++) {
                const int row = task / model->heads, head = task % model->heads;
                const Token &token = tokens[row];
                const Bf16 *keys = token.kept + 2 * number * token.apart + int64_t(token.first) * kv +
                                   head / group * head_width;
                attend(head_width, &turned[size_t(task) * head_width], keys, keys + token.apart, kv,
                       token.place + 1 - token.first, shares.data(), &seen[size_t(task) * head_width]);
            }
#pragma omp barrier
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
                return number / (1.0f + exponential(-number)) * loaded<Floats>(gate + ffn);
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
