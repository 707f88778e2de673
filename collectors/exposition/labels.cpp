#include "collectors/exposition/labels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "collectors/exposition/characters.hpp"

namespace doctor::exposition {
namespace {

constexpr std::uint64_t kEveryByte = 0x0101010101010101U;
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// The high bit of each byte that is `c`; only the lowest is sure.
std::uint64_t bytes_that_are(char c, std::uint64_t word) {
  const std::uint64_t zero_there = word ^ (kEveryByte * static_cast<unsigned char>(c));
  return (zero_there - kEveryByte) & ~zero_there & kHighBits;
}

struct Plain {
  std::size_t length;  // to the first quote or backslash, or to the end
  bool maybe_utf8;     // there may be bytes beyond ASCII
};

Plain plain_length(std::string_view text) {
  std::uint64_t any = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    const std::uint64_t word = word_at(text.data() + at);
    any |= word;
    const std::uint64_t found = bytes_that_are('"', word) | bytes_that_are('\\', word);
    if (found != 0) {
      return {at + static_cast<std::size_t>(std::countr_zero(found)) / 8, (any & kHighBits) != 0};
    }
  }
  for (; at < text.size(); ++at) {
    const char c = text.data()[at];
    if (c == '"' || c == '\\') break;
    any |= static_cast<unsigned char>(c);
  }
  return {at, (any & kHighBits) != 0};
}

/// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned lead = byte(at);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return false;
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(at + 1) < low || byte(at + 1) > high) return false;
    for (std::size_t i = 2; i < length; ++i) {
      if ((byte(at + i) & 0xC0U) != 0x80U) return false;
    }
    at += length;
  }
  return true;
}

bool take(std::string_view& rest, char c) {
  skip_blanks(rest);
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

void Labels::clear() {
  labels_.clear();
  unescaped_.clear();
  names_.fill(0);
}

/// Flink ends every list with a comma.
std::optional<LineFault> Labels::read(std::string_view& rest) {
  clear();
  rest.remove_prefix(1);
  while (!take(rest, '}')) {
    if (const auto fault = read_label(rest)) return fault;
    if (!take(rest, ',') && (rest.empty() || rest.front() != '}')) return LineFault::bad_labels;
  }
  return std::nullopt;
}

std::optional<LineFault> Labels::read_label(std::string_view& rest) {
  Label label;
  label.name = take_name(rest, false);
  if (label.name.empty() || !take(rest, '=') || !take(rest, '"')) return LineFault::bad_labels;
  if (const auto fault = read_value(rest, label.value)) return fault;
  if (labels_.size() == kLabelsMax) return LineFault::too_many_labels;
  if (!is_new(label.name)) return LineFault::duplicate_label;
  labels_.push_back(label);
  return std::nullopt;
}

/// From behind the opening quote to behind the closing one.
std::optional<LineFault> Labels::read_value(std::string_view& rest, std::string_view& value) {
  const Plain plain = plain_length(rest);
  bool maybe_utf8 = plain.maybe_utf8;
  if (plain.length == rest.size()) return LineFault::bad_labels;
  if (rest.data()[plain.length] == '"') {
    value = rest.substr(0, plain.length);
    rest.remove_prefix(plain.length + 1);
  } else {
    maybe_utf8 = true;
    if (const auto fault = unescape(rest, value)) return fault;
  }
  if (maybe_utf8 && !is_utf8(value)) return LineFault::bad_utf8;
  return std::nullopt;
}

std::optional<LineFault> Labels::unescape(std::string_view& rest, std::string_view& value) {
  const std::size_t begin = unescaped_.size();
  if (begin == 0) unescaped_.reserve(rest.size());  // for all of the line: views into it stay good
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      value = std::string_view(unescaped_).substr(begin);
      rest.remove_prefix(i + 1);
      return std::nullopt;
    }
    if (rest[i] != '\\') {
      unescaped_.push_back(rest[i]);
      continue;
    }
    if (++i == rest.size()) break;
    if (rest[i] != '\\' && rest[i] != '"' && rest[i] != 'n') return LineFault::bad_escape;
    unescaped_.push_back(rest[i] == 'n' ? '\n' : rest[i]);
  }
  return LineFault::bad_labels;
}

bool Labels::is_new(std::string_view name) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name.data()[at]); };
  const unsigned hash = static_cast<unsigned>(name.size()) * 37U + byte(0) * 11U +
                        byte(name.size() / 2) * 5U + byte(name.size() - 1) * 3U;
  std::uint64_t& word = names_[(hash >> 6U) & 3U];
  const std::uint64_t bit = std::uint64_t{1} << (hash & 63U);
  if ((word & bit) == 0) {
    word |= bit;
    return true;
  }
  return std::none_of(labels_.begin(), labels_.end(),
                      [&](const Label& other) { return other.name == name; });
}

}  // namespace doctor::exposition
