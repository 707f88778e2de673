#include "collectors/exposition/reader.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include "collectors/exposition/characters.hpp"
#include "collectors/exposition/value.hpp"

namespace doctor::exposition {
namespace {

constexpr std::size_t kNameBytesUsual = 256;
constexpr std::size_t kLineBytesUsual = 1024;

/// npos when there is none.
std::size_t find_newline(std::string_view text) {
  const void* newline = std::memchr(text.data(), '\n', text.size());
  if (newline == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
}

/// The first control character or blank from `at` on, else the end.
std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text.data()[at] > ' ') ++at;
  return at;
}

bool is_timestamp(std::string_view word) {
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), milliseconds);
  return error == std::errc{} && end == word.data() + word.size();
}

/// What stands behind a series.
struct Tail {
  double value{};
  std::optional<LineFault> fault{};
};

Tail parse_tail(std::string_view rest) {
  skip_blanks(rest);
  const std::string_view word = take_word(rest);
  if (word.empty()) return {0, LineFault::no_value};
  const std::optional<double> value = parse_value(word);
  if (!value) return {0, LineFault::bad_value};
  skip_blanks(rest);
  if (rest.empty()) return {*value};
  if (!is_timestamp(take_word(rest))) return {0, LineFault::bad_timestamp};
  skip_blanks(rest);
  if (!rest.empty()) return {0, LineFault::trailing_text};
  return {*value};
}

/// Where the series of a well-formed sample ends: no brace can follow the one that closes its
/// labels. `name_end` when there are none.
std::size_t series_end(std::string_view text, std::size_t name_end) {
  std::size_t end = text.size();
  while (end > name_end && text.data()[end - 1] != '}') --end;
  return end;
}

}  // namespace

std::uint64_t ReaderStats::faults_total() const {
  std::uint64_t total = 0;
  for (const auto& [reason, count] : faults) total += count;
  return total;
}

Reader::Reader(Sink& sink, std::size_t line_bytes_max, PlainEnd plain_end)
    : sink_(sink), line_bytes_max_(line_bytes_max), labels_(plain_end) {
  name_.reserve(kNameBytesUsual);
  carry_.reserve(kLineBytesUsual);
}

void Reader::feed(std::span<const char> window) {
  std::string_view rest(window.data(), window.size());
  while (!rest.empty()) {
    if (carry_.empty() && !overlong_) {
      rest = name_wanted_ ? behind_expected(rest) : behind_skipped(rest);
    }
    const std::size_t newline = find_newline(rest);
    if (newline == std::string_view::npos) {
      if (!rest.empty()) piece(rest, false);
      return;
    }
    piece(rest.substr(0, newline), true);
    rest.remove_prefix(newline + 1);
  }
}

void Reader::finish() {
  if (!carry_.empty() || overlong_) piece({}, true);
}

/// Jumps over whole lines of the unwanted name, to the first that is of another or needs a closer
/// look.
std::string_view Reader::behind_skipped(std::string_view text) {
  if (name_.empty()) return text;
  while (begins_with_name(text)) {
    const std::size_t from = name_.size();
    const std::size_t newline = find_newline(text.substr(from));
    if (newline == std::string_view::npos || from + newline > line_bytes_max_) break;
    ++stats_.lines;
    ++stats_.skipped;
    text.remove_prefix(from + newline + 1);
  }
  return text;
}

/// Takes whole lines that are a series the sink expects, a blank and a value, to the first that is
/// not. A series it knows holds no newline: what it takes was one line.
std::string_view Reader::behind_expected(std::string_view text) {
  for (;;) {
    const std::size_t end = sink_.expected_bytes();
    if (end == 0 || end >= text.size() || text.data()[end - 1] != '}' || text.data()[end] != ' ') {
      break;
    }
    const std::size_t to = word_end(text, end + 1);
    if (to >= text.size() || text.data()[to] != '\n' || to > line_bytes_max_) break;
    const std::optional<double> value = parse_value(text.substr(end + 1, to - end - 1));
    if (!value || !sink_.known(text.substr(0, end), *value)) break;
    ++stats_.lines;
    ++stats_.samples;
    text.remove_prefix(to + 1);
  }
  return text;
}

/// True only when something follows that ends the name.
bool Reader::begins_with_name(std::string_view text) const {
  const std::size_t length = name_.size();
  return text.size() > length &&
         (text.data()[length] == '{' || is_of(text.data()[length], kBlank)) &&
         std::memcmp(text.data(), name_.data(), length) == 0;
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
  if (!name_.empty() && begins_with_name(text)) return;
  const std::string_view name = take_name(text, true);
  if (!name.empty() && (text.empty() || is_of(text.front(), kBlank))) ask(name);
}

void Reader::sample_line(std::string_view text) {
  if (name_.empty() || !begins_with_name(text)) {
    std::string_view rest = text;
    const std::string_view name = take_name(rest, true);
    if (!ends_name(rest)) return fault(LineFault::bad_name);
    if (name.empty()) return fault(LineFault::no_name);
    ask(name);
  }
  if (name_wanted_) {
    wanted_sample(text);
  } else {
    ++stats_.skipped;
  }
}

void Reader::wanted_sample(std::string_view text) {
  std::string_view rest = text.substr(name_.size());
  skip_blanks(rest);
  const bool has_labels = !rest.empty() && rest.front() == '{';
  const std::size_t end = has_labels ? series_end(text, name_.size()) : name_.size();
  const std::string_view behind = text.substr(end);
  Tail tail = parse_tail(behind);
  if (!tail.fault && sink_.known(text.substr(0, end), tail.value)) {
    ++stats_.samples;
    return;
  }
  labels_.clear();
  if (has_labels) {
    if (const auto broken = labels_.read(rest)) return fault(*broken);
    if (rest.data() != behind.data()) tail = parse_tail(rest);
  }
  if (tail.fault) return fault(*tail.fault);
  ++stats_.samples;
  sink_.sample(name_, labels_.all(), tail.value);
}

void Reader::ask(std::string_view name) {
  if (name == name_) return;
  name_.assign(name);
  name_wanted_ = sink_.wants(name_);
}

}  // namespace doctor::exposition
