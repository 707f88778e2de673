// How the values of one series are written down: as what repeats, as differences of whole numbers
// (of the value times a power of ten where that is exact), or as what changed in the bits. The
// bytes of all differences stand in planes, the highest first, so that a compressor finds the
// zeros.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "agent/history/packing.hpp"

namespace doctor {

void put_column(std::string& bytes, std::span<const double> values);
/// `into` null skips the column. False when the bytes are damaged.
bool read_column(ByteReader& reader, std::size_t rows, std::vector<double>* into);

}  // namespace doctor
