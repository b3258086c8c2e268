// The rows that a matrix is to be multiplied by.

#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

constexpr int GROUP = 32;        // weights that share a scale
constexpr int PAIR = 2 * GROUP;  // a row's and a block's numbers come in pairs of groups
constexpr int QUAD = 4;          // numbers that one instruction multiplies and adds up in each lane
constexpr int QUADS = PAIR / QUAD;
constexpr int TILE = 6;          // rows for which a weight is unpacked once
constexpr __mmask8 ROWS = 0x3f;  // a bit for each row of a tile
constexpr int PAIR_BYTES = 640;  // of four bits, a block's: 512 of weights, 64 of scales, 64 of what level 8 stands for

// A number that stands out from the mean size of its row's by this has 16 bits. Rounding does the most harm before
// attention and before the scores, the least to what attention and the middle of the block give (measured: by how far the
// scores are from those of float32).
constexpr float SENSITIVE = 3.5, USUAL = 5, ROBUST = 6;

// What was added to weights of so many bits so that they are not negative.
constexpr int OFFSET[] = {0, 0, 0, 0, 8, 0, 0, 0, 128};

// What one of several threads does.
struct Share {
    int number, of;

    int begin(int count) const { return int(int64_t(count) * number / of); }
    int end(int count) const { return int(int64_t(count) * (number + 1) / of); }
};

// Numbers of 8 bits, which lack 256 * upper where one stands out. Six rows are a tile, in which each quad's four
// numbers come beside the other rows', and so does what belongs to groups and their pairs.
struct Rows {
    // Upper halves of a quad of one of the tile's rows, and for weights of four bits: where a block has them and their
    // scales, in which halves of bytes, what their products' sum begins with, and what it is multiplied by.
    struct Outlier {
        int row, quad, sum;
        int8_t upper[QUAD];
        int place, scales, mask, start;
        float factor;
    };

    int count, width, pairs;
    float outlier;  // SENSITIVE, USUAL or ROBUST
    std::vector<int8_t> numbers;
    std::vector<int32_t> group_sums;  // of numbers, times -OFFSET[4]
    std::vector<Bf16> pair_sums;      // of both groups, outliers and all
    std::vector<float> scales;
    std::vector<int32_t> sums;                   // of a row's numbers
    std::vector<std::vector<Outlier>> outliers;  // of each tile

    Rows(int count, int width, float outlier)
        : count(count), width(width), pairs((width + PAIR - 1) / PAIR), outlier(outlier),
          numbers(size_t(tiles()) * TILE * pairs * PAIR), group_sums(numbers.size() / GROUP),
          pair_sums(group_sums.size()), scales(size_t(tiles()) * TILE), sums(scales.size()), outliers(tiles()) {}

    int tiles() const { return (count + TILE - 1) / TILE; }

    // Round a tile's rows, each of which has `pairs * PAIR` values, zeros at the end. What is no number makes no number
    // of the scale.
    void put(int tile, const float *values) {
        const int all = pairs * PAIR, here = std::min(TILE, count - tile * TILE);
        float factors[TILE];
        for (int row = 0; row < here; row++) {
            factors[row] = 1.0f / (scales[tile * TILE + row] = scale_of(values + row * all));
            if (!(factors[row] < INFINITY)) factors[row] = 0;
        }
        outliers[tile].clear();
        __m256i total = _mm256_setzero_si256();
        for (int pair = 0; pair < pairs; pair++) {
            const size_t place = (size_t(tile) * pairs + pair) * TILE;
            __m128i rounded[2];  // sums of numbers, all rows'
            for (int half = 0; half < 2; half++) {
                alignas(32) int32_t upper_sums[2 * QUAD] = {};
                int8_t *to = &numbers[place * PAIR + half * GROUP * TILE];
                for (int row = 0; row < here; row++) {
                    const float *from = values + row * all + pair * PAIR + half * GROUP;
                    upper_sums[row] = put_group(tile, pair * 2 + half, row, from, factors[row], to + row * QUAD);
                }
                __m256i lower_sums = _mm256_setzero_si256();
                for (int quad = 0; quad < GROUP / QUAD; quad++) {
                    const __m256i four = _mm256_maskz_loadu_epi32(ROWS, to + quad * TILE * QUAD);
                    lower_sums = _mm256_dpbusd_epi32(lower_sums, _mm256_set1_epi8(1), four);
                }
                total = _mm256_add_epi32(total, lower_sums);
                _mm256_mask_storeu_epi32(&group_sums[place * 2 + half * TILE], ROWS,
                                         _mm256_mullo_epi32(lower_sums, _mm256_set1_epi32(-OFFSET[4])));
                const __m256i upper = _mm256_slli_epi32(_mm256_load_si256((const __m256i *)upper_sums), 8);
                rounded[half] = (__m128i)_mm256_cvtneps_pbh(_mm256_cvtepi32_ps(_mm256_add_epi32(lower_sums, upper)));
            }
            const __m256i second = _mm256_slli_epi32(_mm256_cvtepu16_epi32(rounded[1]), 16);
            const __m256i both = _mm256_or_si256(_mm256_cvtepu16_epi32(rounded[0]), second);
            _mm256_mask_storeu_epi32(&pair_sums[place * 2], ROWS, both);
        }
        _mm256_mask_storeu_epi32(&sums[tile * TILE], ROWS, total);
    }

private:
    // Of a row: the least by which every number has 16 bits, and those that do not stand out 8.
    float scale_of(const float *values) const {
        Floats total = {}, largest = {};
        bool is_numeric = true;
        for (int place = 0; place < width; place += LANES) {
            const __m512 numbers = _mm512_loadu_ps(values + place), sizes = _mm512_abs_ps(numbers);
            total += (Floats)sizes;
            largest = (Floats)_mm512_max_ps((__m512)largest, sizes);
            is_numeric = is_numeric && !_mm512_cmp_ps_mask(numbers, numbers, _CMP_UNORD_Q);
        }
        if (!is_numeric) return NAN;
        const float most = _mm512_reduce_max_ps((__m512)largest);
        return std::max(std::min(most, outlier * sum(total) / float(width)) / 127.0f, most / 32600.0f);
    }

    // A group's quads, of one row. The sum of their upper halves.
    int put_group(int tile, int group, int row, const float *values, float factor, int8_t *to) {
        int8_t bytes[GROUP];
        __m512i uppers[2];
        for (int part = 0; part < 2; part++) {
            const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(values + part * LANES), _mm512_set1_ps(factor));
            const __m512i whole = _mm512_cvtps_epi32(scaled);
            uppers[part] = _mm512_srai_epi32(_mm512_add_epi32(whole, _mm512_set1_epi32(128)), 8);
            _mm_storeu_si128((__m128i *)(bytes + part * LANES), _mm512_cvtepi32_epi8(whole));
        }
        for (int quad = 0; quad < GROUP / QUAD; quad++) std::memcpy(to + quad * TILE * QUAD, bytes + quad * QUAD, QUAD);
        const __m512i any = _mm512_or_si512(uppers[0], uppers[1]);
        if (!_mm512_test_epi32_mask(any, any)) return 0;
        int all = 0;
        for (int part = 0; part < 2; part++) {
            int8_t upper[LANES];
            _mm_storeu_si128((__m128i *)upper, _mm512_cvtepi32_epi8(uppers[part]));
            for (unsigned left = _mm512_test_epi32_mask(uppers[part], uppers[part]); left;) {
                const int quad = __builtin_ctz(left) / QUAD, begin = group / 2 * PAIR_BYTES;
                left &= ~(15u << quad * QUAD);
                Outlier outlier{row, (group * GROUP + part * LANES) / QUAD + quad};
                std::memcpy(outlier.upper, upper + quad * QUAD, QUAD);
                for (int8_t one : outlier.upper) outlier.sum += one;
                outlier.place = begin + group % 2 * 256 + quad * 64;
                outlier.scales = begin + 512 + group % 2 * 32;
                outlier.mask = part ? 0xf0f0f0f0 : 0x0f0f0f0f;
                outlier.start = -OFFSET[4] * (part ? 16 : 1) * outlier.sum;
                outlier.factor = part ? 16 : 256;
                outliers[tile].push_back(outlier);
                all += outlier.sum;
            }
        }
        return all;
    }
};

// Fill rows, from the tile of `from` on, with what `begin(row)` gives for each: a function of a place, for 16 numbers
// from there on.
template <typename Begin>
void fill(Rows &rows, int from, Share share, Begin begin) {
    const int all = rows.pairs * PAIR, first = from / TILE, tiles = rows.tiles() - first;
    std::vector<float> values(size_t(TILE) * all);
    for (int tile = first + share.begin(tiles); tile < first + share.end(tiles); tile++) {
        for (int row = 0; row < std::min(TILE, rows.count - tile * TILE); row++) {
            const auto value = begin(tile * TILE + row);
            for (int place = 0; place < rows.width; place += LANES) stored(value(place), &values[row * all + place]);
            std::fill(&values[row * all + rows.width], values.data() + (row + 1) * all, 0.0f);
        }
        rows.put(tile, values.data());
    }
}

}  // namespace
