#include "collectors/exposition/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace doctor::exposition {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

/// Takes [a-zA-Z_][a-zA-Z0-9_]* (and ':' in metric names) off the front; empty when there is none.
std::string_view take_name(std::string_view& text, bool colons) {
  std::size_t length = 0;
  while (length < text.size() && (is_name_start(text[length]) || (colons && text[length] == ':') ||
                                  (length > 0 && is_digit(text[length])))) {
    ++length;
  }
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

bool ends_name(std::string_view rest) {
  return rest.empty() || rest.front() == '{' || is_blank(rest.front());
}

bool is_timestamp(std::string_view word) {
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), milliseconds);
  return error == std::errc{} && end == word.data() + word.size();
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

}  // namespace

std::string_view to_string(LineFault fault) {
  switch (fault) {
    case LineFault::no_name:
      return "no_name";
    case LineFault::bad_name:
      return "bad_name";
    case LineFault::bad_labels:
      return "bad_labels";
    case LineFault::bad_escape:
      return "bad_escape";
    case LineFault::duplicate_label:
      return "duplicate_label";
    case LineFault::too_many_labels:
      return "too_many_labels";
    case LineFault::no_value:
      return "no_value";
    case LineFault::bad_value:
      return "bad_value";
    case LineFault::bad_timestamp:
      return "bad_timestamp";
    case LineFault::trailing_text:
      return "trailing_text";
    case LineFault::too_long:
      return "too_long";
    case LineFault::bad_utf8:
      return "bad_utf8";
  }
  return "unknown";
}

std::uint64_t ReaderStats::faults_total() const {
  std::uint64_t total = 0;
  for (const auto& [reason, count] : faults) total += count;
  return total;
}

Reader::Reader(Sink& sink, std::size_t line_bytes_max)
    : sink_(sink), line_bytes_max_(line_bytes_max) {}

void Reader::feed(std::span<const char> window) {
  std::string_view rest(window.data(), window.size());
  while (!rest.empty()) {
    const void* newline = std::memchr(rest.data(), '\n', rest.size());
    if (newline == nullptr) return piece(rest, false);
    const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - rest.data());
    piece(rest.substr(0, length), true);
    rest.remove_prefix(length + 1);
  }
}

void Reader::finish() {
  if (!carry_.empty() || overlong_) piece({}, true);
}

/// A line, or a part of one: what came before is in carry_.
void Reader::piece(std::string_view text, bool ends_line) {
  if (!overlong_ && carry_.size() + text.size() > line_bytes_max_) {
    overlong_ = true;
    carry_.clear();
    ++stats_.lines;
    fault(LineFault::too_long);
  }
  if (overlong_) {
    overlong_ = !ends_line;
  } else if (!ends_line) {
    carry_.append(text);
  } else if (carry_.empty()) {
    line(text);
  } else {
    carry_.append(text);
    line(carry_);
    carry_.clear();
  }
}

void Reader::line(std::string_view text) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  skip_blanks(text);
  if (text.empty()) return;
  ++stats_.lines;
  if (text.front() == '#') {
    comment(text.substr(1));
  } else {
    sample_line(text);
  }
}

/// HELP and TYPE announce a family, also one that has no samples now.
void Reader::comment(std::string_view text) {
  skip_blanks(text);
  const std::string_view keyword = take_word(text);
  if (keyword != "HELP" && keyword != "TYPE") return;
  skip_blanks(text);
  const std::string_view name = take_name(text, true);
  if (!name.empty() && (text.empty() || is_blank(text.front()))) ask(name);
}

void Reader::sample_line(std::string_view text) {
  std::string_view rest = text;
  if (!name_.empty() && text.starts_with(name_) && ends_name(text.substr(name_.size()))) {
    rest.remove_prefix(name_.size());
  } else {
    const std::string_view name = take_name(rest, true);
    if (name.empty() && ends_name(rest)) {
      fault(LineFault::no_name);
      return;
    }
    if (!ends_name(rest)) {
      fault(LineFault::bad_name);
      return;
    }
    ask(name);
  }
  if (!name_wanted_) {
    ++stats_.skipped;
    return;
  }

  labels_.clear();
  skip_blanks(rest);
  if (!rest.empty() && rest.front() == '{' && !parse_labels(rest)) return;
  skip_blanks(rest);
  const std::string_view value_word = take_word(rest);
  if (value_word.empty()) {
    fault(LineFault::no_value);
    return;
  }
  const Result<double> value = parse_value(value_word);
  if (!value.ok()) {
    fault(LineFault::bad_value);
    return;
  }
  skip_blanks(rest);
  if (!rest.empty() && !is_timestamp(take_word(rest))) {
    fault(LineFault::bad_timestamp);
    return;
  }
  skip_blanks(rest);
  if (!rest.empty()) {
    fault(LineFault::trailing_text);
    return;
  }
  ++stats_.samples;
  sink_.sample(name_, labels_, *value);
}

bool Reader::ask(std::string_view name) {
  if (name != name_ || name_.empty()) {
    name_.assign(name);
    name_wanted_ = sink_.wants(name_);
  }
  return name_wanted_;
}

/// From '{' to behind '}'. Flink ends every list with a comma.
bool Reader::parse_labels(std::string_view& rest) {
  unescaped_.clear();
  unescaped_.reserve(rest.size());
  rest.remove_prefix(1);
  skip_blanks(rest);
  while (!rest.empty() && rest.front() != '}') {
    if (!parse_label(rest)) return false;
    skip_blanks(rest);
    if (rest.empty()) break;
    if (rest.front() == ',') {
      rest.remove_prefix(1);
      skip_blanks(rest);
    } else if (rest.front() != '}') {
      return fault(LineFault::bad_labels);
    }
  }
  if (rest.empty()) return fault(LineFault::bad_labels);
  rest.remove_prefix(1);
  return true;
}

bool Reader::parse_label(std::string_view& rest) {
  Label label;
  label.name = take_name(rest, false);
  if (label.name.empty()) return fault(LineFault::bad_labels);
  skip_blanks(rest);
  if (rest.empty() || rest.front() != '=') return fault(LineFault::bad_labels);
  rest.remove_prefix(1);
  skip_blanks(rest);
  if (rest.empty() || rest.front() != '"') return fault(LineFault::bad_labels);
  rest.remove_prefix(1);
  if (!parse_label_value(rest, label.value)) return false;
  if (!is_utf8(label.value)) return fault(LineFault::bad_utf8);
  if (labels_.size() == kLabelsMax) return fault(LineFault::too_many_labels);
  for (const Label& other : labels_) {
    if (other.name == label.name) return fault(LineFault::duplicate_label);
  }
  labels_.push_back(label);
  return true;
}

/// From behind the opening quote to behind the closing one.
bool Reader::parse_label_value(std::string_view& rest, std::string_view& value) {
  const std::size_t quote = rest.find('"');
  if (quote == std::string_view::npos) return fault(LineFault::bad_labels);
  if (rest.substr(0, quote).find('\\') == std::string_view::npos) {
    value = rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    return true;
  }
  const std::size_t begin = unescaped_.size();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      value = std::string_view(unescaped_).substr(begin);
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] != '\\') {
      unescaped_.push_back(rest[i]);
      continue;
    }
    if (++i == rest.size()) break;
    if (rest[i] != '\\' && rest[i] != '"' && rest[i] != 'n') return fault(LineFault::bad_escape);
    unescaped_.push_back(rest[i] == 'n' ? '\n' : rest[i]);
  }
  return fault(LineFault::bad_labels);
}

bool Reader::fault(LineFault reason) {
  ++stats_.faults[reason];
  return false;
}

Result<double> parse_value(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  std::string_view number = text;
  if (!number.empty() && number.front() == '+') number.remove_prefix(1);
  // from_chars would also take "inf", "nan(…)"; and after '+' a second sign.
  std::string_view digits = number;
  if (digits.size() == text.size() && !digits.empty() && digits.front() == '-')
    digits.remove_prefix(1);
  const bool numeric = !digits.empty() && (is_digit(digits.front()) || digits.front() == '.');
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (!numeric || error != std::errc{} || end != number.data() + number.size() ||
      !std::isfinite(value)) {
    return Error{ErrorCode::malformed, "not a number of the exposition format"};
  }
  return value;
}

}  // namespace doctor::exposition
