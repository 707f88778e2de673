#include "collectors/exposition/labels.hpp"

#include <cstring>

#include "collectors/exposition/characters.hpp"

namespace doctor::exposition {
namespace {

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

std::string_view value_of(std::span<const Label> labels, std::string_view name) {
  for (const auto& [label, value] : labels) {
    if (label == name) return value;
  }
  return {};
}

void Labels::clear() {
  count_ = 0;
  unescaped_.clear();
}

/// Flink ends every list with a comma.
std::optional<LineFault> Labels::read(std::string_view& rest) {
  clear();
  rest.remove_prefix(1);
  read_as_expected(rest);
  while (!take(rest, '}')) {
    if (const auto fault = read_label(rest)) return fault;
    if (!take(rest, ',') && (rest.empty() || rest.front() != '}')) return LineFault::bad_labels;
  }
  return std::nullopt;
}

/// Takes labels off the front for as long as they are written as a reporter writes them and are
/// those of the line before. The others are read_label()'s.
void Labels::read_as_expected(std::string_view& rest) {
  const char* at = rest.data();
  const char* const end = at + rest.size();
  while (count_ < agreed_) {
    const std::string& name = expected_[count_];
    if (static_cast<std::size_t>(end - at) <= name.size()) break;
    if (std::memcmp(at, name.data(), name.size()) != 0) break;
    const char* const value = at + name.size();
    const char* const quote = plain_end_(value, end);
    if (quote == nullptr || quote + 1 == end || quote[1] != ',') break;
    labels_[count_++] = {{at, name.size() - 2}, {value, static_cast<std::size_t>(quote - value)}};
    at = quote + 2;
  }
  rest.remove_prefix(static_cast<std::size_t>(at - rest.data()));
}

std::optional<LineFault> Labels::read_label(std::string_view& rest) {
  Label label;
  label.name = take_name(rest, false);
  if (label.name.empty() || !take(rest, '=') || !take(rest, '"')) return LineFault::bad_labels;
  if (const auto fault = read_value(rest, label.value)) return fault;
  if (count_ == kLabelsMax) return LineFault::too_many_labels;
  const bool as_before = count_ < agreed_ && expected_[count_].size() == label.name.size() + 2 &&
                         expected_[count_].starts_with(label.name);
  if (!as_before) {
    for (const Label& other : all()) {
      if (other.name == label.name) return LineFault::duplicate_label;
    }
    expect(label.name);
  }
  labels_[count_++] = label;
  return std::nullopt;
}

void Labels::expect(std::string_view name) {
  if (count_ == expected_.size()) expected_.emplace_back();
  expected_[count_].assign(name).append("=\"");
  agreed_ = count_ + 1;
}

/// From behind the opening quote to behind the closing one.
std::optional<LineFault> Labels::read_value(std::string_view& rest, std::string_view& value) {
  const char* const quote = plain_end_(rest.data(), rest.data() + rest.size());
  if (quote != nullptr) {
    value = rest.substr(0, static_cast<std::size_t>(quote - rest.data()));
    rest.remove_prefix(value.size() + 1);
    return std::nullopt;
  }
  if (const auto fault = unescape(rest, value)) return fault;
  if (!is_utf8(value)) return LineFault::bad_utf8;
  return std::nullopt;
}

/// Also for values that have no escape but are not plain.
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

}  // namespace doctor::exposition
