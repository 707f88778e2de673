#include "agent/history/column_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "model/batch.hpp"

namespace doctor {
namespace {

// The first byte of a column: how, then which power of ten, then whether values are missing.
enum How : std::uint8_t { kNothing, kConstant, kDeltas, kDeltasOfDeltas, kBits, kHowLast = kBits };
constexpr std::uint8_t kHowMask = 0x07;
constexpr unsigned kPowerShift = 3;
constexpr std::uint8_t kPowerMask = 0x0F;
constexpr unsigned kHasGaps = 0x80;

constexpr std::array<double, 7> kPowers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
constexpr double kExactMax = 9007199254740992.0;  // 2^53

std::optional<std::int64_t> whole(double value, double power) {
  const double scaled = value * power;
  if (!(scaled > -kExactMax && scaled < kExactMax)) return std::nullopt;
  const auto number = static_cast<std::int64_t>(std::llround(scaled));
  const double back = static_cast<double>(number) / power;
  if (std::bit_cast<std::uint64_t>(back) != std::bit_cast<std::uint64_t>(value)) {
    return std::nullopt;
  }
  return number;
}

/// The smallest power of ten with which all are whole numbers.
std::optional<unsigned> common_power(std::span<const double> values) {
  unsigned power = 0;
  for (const double value : values) {
    while (power < kPowers.size() && !whole(value, kPowers.at(power))) ++power;
    if (power == kPowers.size()) return std::nullopt;
  }
  // A value may be whole with one power and not with a larger one, when it is large.
  for (const double value : values) {
    if (!whole(value, kPowers.at(power))) return std::nullopt;
  }
  return power;
}

/// Wrapping: what comes back is the same whatever overflows.
std::vector<std::uint64_t> differences(const std::vector<std::uint64_t>& numbers) {
  std::vector<std::uint64_t> all;
  std::uint64_t before = 0;
  for (const std::uint64_t number : numbers) {
    all.push_back(number - before);
    before = number;
  }
  return all;
}

void sum_up(std::vector<std::uint64_t>& numbers) {
  std::uint64_t sum = 0;
  for (std::uint64_t& number : numbers) number = sum += number;
}

std::vector<std::uint64_t> zigzags(std::vector<std::uint64_t> numbers) {
  for (std::uint64_t& number : numbers) number = zigzag(static_cast<std::int64_t>(number));
  return numbers;
}

std::size_t bits_of(std::span<const std::uint64_t> numbers) {
  std::size_t sum = 0;
  for (const std::uint64_t number : numbers) sum += std::bit_width(number);
  return sum;
}

/// Where the planes of values of that many bytes begin.
std::size_t stream_of(bool are_bits, std::size_t planes) {
  return (are_bits ? kPlaneStreams / 2 : 0) + planes * (planes - 1) / 2;
}

std::vector<std::uint64_t> raw_bits(std::span<const double> values) {
  std::vector<std::uint64_t> all;
  for (const double value : values) all.push_back(std::bit_cast<std::uint64_t>(value));
  return all;
}

bool is_set(std::string_view bitmap, std::size_t row) {
  return ((static_cast<unsigned char>(bitmap[row / 8]) >> (row % 8)) & 1U) != 0;
}

}  // namespace

/// The first `apart` for themselves, since they are far larger than what follows.
void ColumnWriter::put_planes(std::span<const std::uint64_t> numbers, std::size_t apart,
                              bool are_bits) {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i < apart) {
      put_number(heads_, numbers[i]);
    } else {
      any |= numbers[i];
    }
  }
  const auto planes = static_cast<unsigned>((std::bit_width(any) + 7) / 8);
  heads_.push_back(static_cast<char>(planes));
  for (unsigned plane = 0; plane < planes; ++plane) {
    std::string& stream = planes_.at(stream_of(are_bits, planes) + plane);
    for (std::size_t i = apart; i < numbers.size(); ++i) {
      stream.push_back(static_cast<char>((numbers[i] >> (8 * (planes - 1 - plane))) & 0xFFU));
    }
  }
}

/// `present`: a bit for each row, or empty when no value is missing.
void ColumnWriter::put_head(unsigned how, const std::string& present) {
  heads_.push_back(static_cast<char>(how | (present.empty() ? 0U : kHasGaps)));
  heads_ += present;
}

void ColumnWriter::put_whole(std::span<const double> values, unsigned power,
                             const std::string& present) {
  std::vector<std::uint64_t> numbers;
  for (const double value : values) {
    numbers.push_back(static_cast<std::uint64_t>(*whole(value, kPowers.at(power))));
  }
  const std::vector<std::uint64_t> deltas = differences(numbers);
  const std::vector<std::uint64_t> once = zigzags(deltas);
  const std::vector<std::uint64_t> twice = zigzags(differences(deltas));
  const std::size_t second = std::min<std::size_t>(2, values.size());
  const std::span<const std::uint64_t> steps = std::span(once).subspan(1);
  const std::span<const std::uint64_t> bends = std::span(twice).subspan(second);
  const bool is_even = bits_of(bends) + 64 < bits_of(steps);
  put_head((is_even ? kDeltasOfDeltas : kDeltas) | (power << kPowerShift), present);
  put_planes(is_even ? twice : once, is_even ? second : 1, false);
}

void ColumnWriter::put_values(std::span<const double> values, const std::string& present) {
  const std::vector<std::uint64_t> bits = raw_bits(values);
  const bool is_constant =
      std::all_of(bits.begin(), bits.end(), [&](std::uint64_t b) { return b == bits.front(); });
  if (is_constant) {
    put_head(kConstant, present);
    put_number(heads_, bits.front());
  } else if (const std::optional<unsigned> power = common_power(values)) {
    put_whole(values, *power, present);
  } else {
    std::vector<std::uint64_t> changed;
    changed.reserve(bits.size());
    std::uint64_t before = 0;
    for (const std::uint64_t b : bits) changed.push_back(b ^ std::exchange(before, b));
    put_head(kBits, present);
    put_planes(changed, 1, true);
  }
}

void ColumnWriter::put(std::span<const double> values) {
  std::vector<double> present;
  std::string bitmap((values.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_present(values[i])) continue;
    present.push_back(values[i]);
    bitmap[i / 8] = static_cast<char>(static_cast<unsigned char>(bitmap[i / 8]) | (1U << (i % 8)));
  }
  if (present.empty()) return heads_.push_back(static_cast<char>(kNothing));
  put_values(present, present.size() == values.size() ? std::string{} : bitmap);
}

std::string ColumnWriter::pack(int level) const {
  std::string packed;
  const auto add = [&](const std::string& stream) {
    const std::string frame = stream.empty() ? std::string{} : compress(stream, level);
    put_number(packed, frame.size());
    packed += frame;
  };
  add(heads_);
  for (const std::string& stream : planes_) add(stream);
  return packed;
}

std::optional<ColumnReader> ColumnReader::unpack(std::string_view packed, std::size_t bytes_max) {
  ColumnReader reader;
  ByteReader frames(packed);
  for (std::size_t i = 0; i <= kPlaneStreams; ++i) {
    const std::string_view frame = frames.take(frames.number());
    if (!frames.ok()) return std::nullopt;
    if (frame.empty()) continue;
    std::optional<std::string> bytes = decompress(frame, bytes_max);
    if (!bytes) return std::nullopt;
    bytes_max -= bytes->size();
    reader.bytes_.push_back(std::make_unique<const std::string>(std::move(*bytes)));
    (i == 0 ? reader.heads_ : reader.planes_.at(i - 1)) = ByteReader(*reader.bytes_.back());
  }
  return reader;
}

bool ColumnReader::read_planes(std::size_t count, std::size_t apart, bool are_bits,
                               std::vector<std::uint64_t>* into) {
  apart = std::min(apart, count);
  for (std::size_t i = 0; i < apart; ++i) {
    const std::uint64_t number = heads_.number();
    if (into != nullptr) into->push_back(number);
  }
  const unsigned planes = heads_.byte();
  if (!heads_.ok() || planes > 8) return false;
  if (into != nullptr) into->resize(count);
  for (unsigned plane = 0; plane < planes; ++plane) {
    ByteReader& stream = planes_.at(stream_of(are_bits, planes) + plane);
    const std::string_view bytes = stream.take(count - apart);
    if (!stream.ok()) return false;
    for (std::size_t i = 0; into != nullptr && i < bytes.size(); ++i) {
      std::uint64_t& number = (*into)[apart + i];
      number = (number << 8U) | static_cast<unsigned char>(bytes[i]);
    }
  }
  return true;
}

/// False when damaged. `into` null skips.
bool ColumnReader::read_values(std::uint8_t head, std::size_t count, std::vector<double>* into) {
  const unsigned how = head & kHowMask;
  const unsigned power = (head >> kPowerShift) & kPowerMask;
  if (how > kHowLast || how == kNothing || power >= kPowers.size()) return false;
  if (how == kConstant) {
    const std::uint64_t bits = heads_.number();
    if (into != nullptr) into->assign(count, std::bit_cast<double>(bits));
    return heads_.ok();
  }
  std::vector<std::uint64_t> numbers;
  const std::size_t apart = how == kDeltasOfDeltas ? 2 : 1;
  if (!read_planes(count, apart, how == kBits, into == nullptr ? nullptr : &numbers)) return false;
  if (into == nullptr) return true;
  if (how == kBits) {
    std::uint64_t bits = 0;
    for (const std::uint64_t changed : numbers) {
      into->push_back(std::bit_cast<double>(bits ^= changed));
    }
    return true;
  }
  for (std::uint64_t& number : numbers) number = static_cast<std::uint64_t>(unzigzag(number));
  sum_up(numbers);
  if (how == kDeltasOfDeltas) sum_up(numbers);
  for (const std::uint64_t number : numbers) {
    into->push_back(static_cast<double>(static_cast<std::int64_t>(number)) / kPowers.at(power));
  }
  return true;
}

bool ColumnReader::read(std::size_t rows, std::vector<double>* into) {
  const std::uint8_t head = heads_.byte();
  if (!heads_.ok()) return false;
  if (into != nullptr) into->clear();
  if (head == kNothing) {
    if (into != nullptr) into->assign(rows, kAbsent);
    return true;
  }
  if ((head & kHasGaps) == 0) return read_values(head, rows, into);
  const std::string_view bitmap = heads_.take((rows + 7) / 8);
  if (!heads_.ok()) return false;
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) count += is_set(bitmap, row) ? 1U : 0U;
  std::vector<double> values;
  if (!read_values(head, count, into == nullptr ? nullptr : &values)) return false;
  if (into == nullptr) return true;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    into->push_back(is_set(bitmap, row) ? values[next++] : kAbsent);
  }
  return true;
}

}  // namespace doctor
