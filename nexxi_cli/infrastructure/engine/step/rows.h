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
constexpr int TILE = 6;          // rows whose numbers lie together
constexpr int PAIR_BYTES = 640;  // of four bits, a block's: 512 of weights, 64 of scales, 64 of what level 8 stands for

// A number that stands out from the mean size of its row's by this has 16 bits. Rounding does the most harm before
// attention and before the scores, the least to what attention and the middle of the block give (measured: by how far
// the scores are from those of float32).
constexpr float SENSITIVE = 3.5, USUAL = 5, ROBUST = 6;

// What was added to weights of so many bits so that they are not negative.
constexpr int OFFSET[] = {0, 0, 0, 0, 8, 0, 0, 0, 128};

typedef float Numbers __attribute__((vector_size(32)));

// Of a number for each of a tile's rows, and more that is of no use.
inline void put_column(Column column, void *to) { std::memcpy(to, &column, TILE * sizeof column[0]); }

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
    float limit;  // SENSITIVE, USUAL or ROBUST
    std::vector<int8_t> numbers;
    std::vector<int32_t> group_sums;  // of numbers, times -OFFSET[4]
    std::vector<Bf16> pair_sums;      // of both groups, outliers and all
    std::vector<float> scales;
    std::vector<int32_t> sums;                   // of a row's numbers
    std::vector<std::vector<Outlier>> outliers;  // of each tile

    Rows(int count, int width, float limit)
        : count(count), width(width), pairs((width + PAIR - 1) / PAIR), limit(limit),
          numbers(size_t(tiles()) * TILE * pairs * PAIR + sizeof(Column)), group_sums(numbers.size() / GROUP),
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
        Column total = {};
        for (int pair = 0; pair < pairs; pair++) {
            const size_t place = (size_t(tile) * pairs + pair) * TILE;
            Column both = {};  // sums of numbers, bfloat16
            for (int half = 0; half < 2; half++) {
                Column upper = {}, lower = {};
                int8_t *to = &numbers[place * PAIR + half * GROUP * TILE];
                for (int row = 0; row < here; row++) {
                    const float *from = values + row * all + pair * PAIR + half * GROUP;
                    upper[row] = put_group(tile, pair * 2 + half, row, from, factors[row], to + row * QUAD);
                }
                for (int quad = 0; quad < GROUP / QUAD; quad++)
                    lower += sum_of_bytes(loaded<Column>(to + quad * TILE * QUAD));
                total += lower;
                put_column(-OFFSET[4] * lower, &group_sums[place * 2 + half * TILE]);
                const Column bits = (Column)__builtin_convertvector(lower + 256 * upper, Numbers);
                const Column nearest = bits + 0x7fff + (bits >> 16 & 1);
                both |= half ? nearest & 0xffff0000 : nearest >> 16 & 0xffff;
            }
            put_column(both, &pair_sums[place * 2]);
        }
        put_column(total, &sums[tile * TILE]);
    }

private:
    // Of a row: the least by which every number has 16 bits, and those that do not stand out 8.
    float scale_of(const float *values) const {
        Floats total = {}, most = {};
        Ints is_numeric = all(-1);
        for (int place = 0; place < width; place += LANES) {
            const Floats numbers = loaded<Floats>(values + place), size = sizes(numbers);
            total += size;
            most = larger(most, size);
            is_numeric &= (numbers == numbers);
        }
        if (present(~is_numeric)) return NAN;
        const float usual = limit * sum(total) / float(width);
        return std::max(std::min(largest(most), usual) / 127.0f, largest(most) / 32600.0f);
    }

    // A group's quads, of one row. The sum of their upper halves.
    int put_group(int tile, int group, int row, const float *values, float factor, int8_t *to) {
        int8_t lower[GROUP];
        Ints uppers[2];
        for (int part = 0; part < 2; part++) {
            const Ints whole = rounded(loaded<Floats>(values + part * LANES) * ::all(factor));
            uppers[part] = (whole + ::all(128)) >> 8;
            stored(bytes(whole), lower + part * LANES);
        }
        for (int quad = 0; quad < GROUP / QUAD; quad++) std::memcpy(to + quad * TILE * QUAD, lower + quad * QUAD, QUAD);
        if (!present(uppers[0] | uppers[1])) return 0;
        int all = 0;
        for (int part = 0; part < 2; part++) {
            int8_t upper[LANES];
            stored(bytes(uppers[part]), upper);
            for (unsigned left = present(uppers[part]); left;) {
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
