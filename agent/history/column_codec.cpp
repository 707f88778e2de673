#include "agent/history/column_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "model/batch.hpp"

namespace doctor {
namespace {

// The first byte of a column: how, then which power of ten, then whether values are missing.
enum How : std::uint8_t { kNothing, kConstant, kDeltas, kDeltasOfDeltas, kBits, kHowLast = kBits };
constexpr std::uint8_t kHowMask = 0x07;
constexpr unsigned kPowerShift = 3;
constexpr std::uint8_t kPowerMask = 0x0F;
constexpr std::uint8_t kHasGaps = 0x80;

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

/// The first `apart` for themselves, since they are far larger than what follows.
void put_planes(std::string& bytes, std::span<const std::uint64_t> numbers, std::size_t apart) {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i < apart) {
      put_number(bytes, numbers[i]);
    } else {
      any |= numbers[i];
    }
  }
  const auto planes = static_cast<unsigned>((std::bit_width(any) + 7) / 8);
  bytes.push_back(static_cast<char>(planes));
  for (unsigned plane = planes; plane-- > 0;) {
    for (std::size_t i = apart; i < numbers.size(); ++i) {
      bytes.push_back(static_cast<char>((numbers[i] >> (8 * plane)) & 0xFFU));
    }
  }
}

bool read_planes(ByteReader& reader, std::size_t count, std::size_t apart,
                 std::vector<std::uint64_t>* into) {
  apart = std::min(apart, count);
  for (std::size_t i = 0; i < apart; ++i) {
    const std::uint64_t number = reader.number();
    if (into != nullptr) into->push_back(number);
  }
  const unsigned planes = reader.byte();
  if (!reader.ok() || planes > 8) return false;
  const std::string_view bytes = reader.take(planes * (count - apart));
  if (!reader.ok()) return false;
  if (into == nullptr) return true;
  for (std::size_t i = 0; i < count - apart; ++i) {
    std::uint64_t number = 0;
    for (unsigned plane = 0; plane < planes; ++plane) {
      number = (number << 8U) | static_cast<unsigned char>(bytes[plane * (count - apart) + i]);
    }
    into->push_back(number);
  }
  return true;
}

std::vector<std::uint64_t> raw_bits(std::span<const double> values) {
  std::vector<std::uint64_t> all;
  for (const double value : values) all.push_back(std::bit_cast<std::uint64_t>(value));
  return all;
}

/// `present`: a bit for each row, or empty when no value is missing.
void put_head(std::string& bytes, std::uint8_t how, const std::string& present) {
  bytes.push_back(static_cast<char>(how | (present.empty() ? 0 : kHasGaps)));
  bytes += present;
}

void put_whole(std::string& bytes, std::span<const double> values, unsigned power,
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
  const unsigned how = is_even ? kDeltasOfDeltas : kDeltas;
  put_head(bytes, static_cast<std::uint8_t>(how | (power << kPowerShift)), present);
  put_planes(bytes, is_even ? twice : once, is_even ? second : 1);
}

void put_values(std::string& bytes, std::span<const double> values, const std::string& present) {
  const std::vector<std::uint64_t> bits = raw_bits(values);
  const bool is_constant =
      std::all_of(bits.begin(), bits.end(), [&](std::uint64_t b) { return b == bits.front(); });
  if (is_constant) {
    put_head(bytes, kConstant, present);
    const std::array<std::uint64_t, 1> one{bits.front()};
    put_planes(bytes, one, 0);
  } else if (const std::optional<unsigned> power = common_power(values)) {
    put_whole(bytes, values, *power, present);
  } else {
    std::vector<std::uint64_t> changed;
    std::uint64_t before = 0;
    for (const std::uint64_t b : bits) {
      changed.push_back(b ^ before);
      before = b;
    }
    put_head(bytes, kBits, present);
    put_planes(bytes, changed, 1);
  }
}

/// False when damaged. `into` null skips.
bool read_values(ByteReader& reader, std::uint8_t head, std::size_t count,
                 std::vector<double>* into) {
  const unsigned how = head & kHowMask;
  const unsigned power = (head >> kPowerShift) & kPowerMask;
  if (how > kHowLast || how == kNothing || power >= kPowers.size()) return false;
  const std::size_t apart = how == kConstant ? 0 : how == kDeltasOfDeltas ? 2 : 1;
  std::vector<std::uint64_t> numbers;
  const std::size_t written = how == kConstant ? 1 : count;
  if (!read_planes(reader, written, apart, into == nullptr ? nullptr : &numbers)) return false;
  if (into == nullptr) return true;
  if (how == kConstant) {
    into->assign(count, std::bit_cast<double>(numbers.front()));
  } else if (how == kBits) {
    std::uint64_t bits = 0;
    for (const std::uint64_t changed : numbers)
      into->push_back(std::bit_cast<double>(bits ^= changed));
  } else {
    for (std::uint64_t& number : numbers) number = static_cast<std::uint64_t>(unzigzag(number));
    sum_up(numbers);
    if (how == kDeltasOfDeltas) sum_up(numbers);
    for (const std::uint64_t number : numbers) {
      into->push_back(static_cast<double>(static_cast<std::int64_t>(number)) / kPowers.at(power));
    }
  }
  return true;
}

bool is_set(std::string_view bitmap, std::size_t row) {
  return ((static_cast<unsigned char>(bitmap[row / 8]) >> (row % 8)) & 1U) != 0;
}

}  // namespace

void put_column(std::string& bytes, std::span<const double> values) {
  std::vector<double> present;
  std::string bitmap((values.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_present(values[i])) continue;
    present.push_back(values[i]);
    bitmap[i / 8] = static_cast<char>(static_cast<unsigned char>(bitmap[i / 8]) | (1U << (i % 8)));
  }
  if (present.empty()) return bytes.push_back(static_cast<char>(kNothing));
  put_values(bytes, present, present.size() == values.size() ? std::string{} : bitmap);
}

bool read_column(ByteReader& reader, std::size_t rows, std::vector<double>* into) {
  const std::uint8_t head = reader.byte();
  if (!reader.ok()) return false;
  if (into != nullptr) into->clear();
  if (head == kNothing) {
    if (into != nullptr) into->assign(rows, kAbsent);
    return true;
  }
  if ((head & kHasGaps) == 0) return read_values(reader, head, rows, into);
  const std::string_view bitmap = reader.take((rows + 7) / 8);
  if (!reader.ok()) return false;
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) count += is_set(bitmap, row) ? 1U : 0U;
  std::vector<double> values;
  if (!read_values(reader, head, count, into == nullptr ? nullptr : &values)) return false;
  if (into == nullptr) return true;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    into->push_back(is_set(bitmap, row) ? values[next++] : kAbsent);
  }
  return true;
}

}  // namespace doctor
