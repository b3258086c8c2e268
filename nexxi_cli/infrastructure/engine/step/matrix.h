// Rows times matrices, which lie in blocks of 16 outputs (blocks.py).

#pragma once

#include "rows.h"

extern "C" struct Matrix {
    const uint8_t *packed;
    const float *bias;  // or null
    int32_t outputs, width, bits;
};

namespace {

constexpr int TOGETHER = WIDE ? 2 : 1;   // blocks for which a row's numbers are loaded once
constexpr int AT_A_TIME = WIDE ? 6 : 2;  // rows: more would not leave the sums in registers

int padded(int outputs) { return (outputs + LANES - 1) / LANES * LANES; }

// How far apart two blocks are.
constexpr int64_t block_bytes(int bits, int pairs) {
    return bits == 4 ? pairs * PAIR_BYTES : pairs * PAIR * LANES + LANES * sizeof(float);
}

// A quad's weights of 16 outputs: levels of four bits, in the lower halves of bytes those of a group's quads 0 to 3, or
// weights of eight.
template <int BITS>
inline Ints weights_of(const uint8_t *from, int quad) {
    if (BITS == 8) return loaded<Ints>(from + 64 * quad);
    const Ints both = loaded<Ints>(from + 64 * (quad % 4));
    return (quad < 4 ? both : both >> 4) & all(0x0f0f0f0f);
}

// Add a group's products of rows and blocks, whose weights have four bits: (level - 8) * scale.
template <int BLOCKS, int COUNT>
inline void add_group(const uint8_t *from, const uint8_t *scales, int64_t apart, const int8_t *numbers,
                      const int32_t *group_sums, Floats (&totals)[BLOCKS][COUNT]) {
    Ints sums[BLOCKS][COUNT];
    for (int row = 0; row < COUNT; row++) {
        sums[0][row] = in_all(group_sums + row);
        for (int block = 1; block < BLOCKS; block++) sums[block][row] = sums[0][row];
    }
#pragma GCC unroll 8
    for (int quad = 0; quad < GROUP / QUAD; quad++) {
        Ints weights[BLOCKS];
        for (int block = 0; block < BLOCKS; block++) weights[block] = weights_of<4>(from + block * apart, quad);
        for (int row = 0; row < COUNT; row++) {
            const Ints four = in_all(numbers + (quad * TILE + row) * QUAD);
            for (int block = 0; block < BLOCKS; block++)
                sums[block][row] = add_products<true>(sums[block][row], weights[block], four);
        }
    }
    for (int block = 0; block < BLOCKS; block++) {
        const Floats scale = halves(scales + block * apart);
        for (int row = 0; row < COUNT; row++)
            totals[block][row] = times_plus(floats(sums[block][row]), scale, totals[block][row]);
    }
}

// Add what the middles of a pair of groups' weights come to.
template <int BLOCKS, int COUNT>
inline void add_middles(const uint8_t *from, int64_t apart, const Bf16 *pair_sums, Floats (&totals)[BLOCKS][COUNT]) {
    for (int block = 0; block < BLOCKS; block++) {
        const Ints middles = loaded<Ints>(from + block * apart);
        for (int row = 0; row < COUNT; row++)
            totals[block][row] = add_pairs(totals[block][row], middles, in_all(pair_sums + row * 2));
    }
}

// Rows of a tile, from `lane` on, times blocks of a matrix, but for the rows' scales.
template <int BITS, int BLOCKS, int COUNT>
inline void multiply_tile(const uint8_t *packed, const Rows &rows, int tile, int lane, Floats (*totals)[COUNT]) {
    constexpr int BYTES = BITS == 4 ? PAIR_BYTES : PAIR * LANES;
    const int64_t apart = block_bytes(BITS, rows.pairs);
    Ints sums[BLOCKS][COUNT];
    Floats found[BLOCKS][COUNT] = {};
    for (int block = 0; block < BLOCKS; block++)
        for (int row = 0; row < COUNT; row++)
            sums[block][row] = all(-OFFSET[8] * rows.sums[tile * TILE + lane + row]);
    for (int pair = 0; pair < rows.pairs; pair++) {
        const uint8_t *from = packed + pair * BYTES;
        const size_t place = (size_t(tile) * rows.pairs + pair) * TILE;
        const int8_t *numbers = &rows.numbers[place * PAIR + lane * QUAD];
        if (BITS == 4) {
            const int32_t *group_sums = &rows.group_sums[place * 2 + lane];
            add_group(from, from + 512, apart, numbers, group_sums, found);
            add_group(from + 256, from + 544, apart, numbers + TILE * GROUP, group_sums + TILE, found);
            add_middles(from + 576, apart, &rows.pair_sums[(place + lane) * 2], found);
            continue;
        }
#pragma GCC unroll 4
        for (int quad = 0; quad < QUADS; quad++)
            for (int row = 0; row < COUNT; row++) {
                const Ints four = in_all(numbers + (quad * TILE + row) * QUAD);
                for (int block = 0; block < BLOCKS; block++) {
                    const Ints weights = weights_of<8>(from + block * apart, quad);
                    sums[block][row] = add_products<false>(sums[block][row], weights, four);
                }
            }
    }
    for (int block = 0; block < BLOCKS; block++)
        for (int row = 0; row < COUNT; row++)
            totals[block][row] = BITS == 8 ? floats(sums[block][row]) : found[block][row];
    for (const Rows::Outlier &outlier : rows.outliers[tile]) {
        const int row = outlier.row - lane;
        if (unsigned(row) >= COUNT) continue;
        const Ints upper = in_all(outlier.upper);
        const Ints start = all(BITS == 4 ? outlier.start : -OFFSET[8] * outlier.sum);
        const uint8_t *from = packed + (BITS == 4 ? outlier.place : outlier.quad * QUAD * LANES);
        const Floats factor = all(BITS == 4 ? outlier.factor : 256.0f);
        for (int block = 0; block < BLOCKS; block++) {
            Ints weights = loaded<Ints>(from + block * apart);
            if (BITS == 4) weights &= all(outlier.mask);
            Floats sum = floats(add_products<false>(start, weights, upper)) * factor;
            if (BITS == 4) sum *= halves(packed + block * apart + outlier.scales);
            totals[block][row] += sum;
        }
    }
    if (BITS == 8)
        for (int block = 0; block < BLOCKS; block++)
            for (int row = 0; row < COUNT; row++)
                totals[block][row] *= loaded<Floats>((const float *)(packed + (block + 1) * apart) - LANES);
}

template <int BITS, int BLOCKS, int COUNT>
void multiply_blocks(const Matrix &matrix, const Rows &rows, int first, int block, float *to, int apart, bool adds) {
    Floats totals[BLOCKS][COUNT];
    const uint8_t *packed = matrix.packed + block * block_bytes(BITS, rows.pairs);
    multiply_tile<BITS, BLOCKS, COUNT>(packed, rows, first / TILE, first % TILE, totals);
    for (int one = 0; one < BLOCKS; one++)
        for (int row = 0; row < COUNT; row++) {
            const int output = (block + one) * LANES;
            float *place = to + int64_t(first + row) * apart + output;
            Floats total = totals[one][row] * all(rows.scales[first + row]);
            if (matrix.bias) total += loaded<Floats>(matrix.bias + output);
            stored(adds ? loaded<Floats>(place) + total : total, place);
        }
}

// Rows times a matrix, into rows that are `apart`, or added to them.
template <int BITS, int BLOCKS>
void multiply_by(const Matrix &matrix, const Rows &rows, int from, int block, float *to, int apart, bool adds) {
    using Work = void (*)(const Matrix &, const Rows &, int, int, float *, int, bool);
    static constexpr Work works[] = {
        multiply_blocks<BITS, BLOCKS, 1>, multiply_blocks<BITS, BLOCKS, 2>, multiply_blocks<BITS, BLOCKS, 3>,
        multiply_blocks<BITS, BLOCKS, 4>, multiply_blocks<BITS, BLOCKS, 5>, multiply_blocks<BITS, BLOCKS, 6>,
    };
    for (int first = from, next; first < rows.count; first = next) {
        next = std::min({rows.count, (first / TILE + 1) * TILE, first + AT_A_TIME});
        works[next - first - 1](matrix, rows, first, block, to, apart, adds);
    }
}

// The same, of the rows from `from` on, and what a thread does of it.
void multiply(const Matrix &matrix, const Rows &rows, int from, float *to, int apart, bool adds, Share share) {
    const int blocks = padded(matrix.outputs) / LANES, end = share.end(blocks);
    const int together = rows.count - from <= TILE ? 1 : TOGETHER;  // few rows wait for memory, which comes faster so
    for (int block = share.begin(blocks), next; block < end; block = next) {
        next = std::min(block + together, end);
        const bool is_one = next - block == 1;
        const auto work = matrix.bits == 4 ? (is_one ? multiply_by<4, 1> : multiply_by<4, TOGETHER>)
                                           : (is_one ? multiply_by<8, 1> : multiply_by<8, TOGETHER>);
        work(matrix, rows, from, block, to, apart, adds);
    }
}

}  // namespace
