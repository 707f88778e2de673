#include "tests/scenarios/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace doctor::scenario {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Takes the quotes off; inside them \" and \\ are escapes.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

std::optional<double> take_double(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// The end of the token that begins at `at`, with quotes and braces in mind.
std::size_t token_end(std::string_view line, std::size_t at) {
  bool quoted = false;
  int depth = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '{') {
      ++depth;
    } else if (!quoted && c == '}') {
      --depth;
    } else if (!quoted && depth <= 0 && is_blank(c)) {
      break;
    }
  }
  return std::min(at, line.size());
}

}  // namespace

std::optional<DurationMs> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, DurationMs>, 5> kUnits{
      {{"ms", 1}, {"s", kSecondMs}, {"m", kMinuteMs}, {"h", kHourMs}, {"d", kDayMs}}};
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double total_ms = 0;
  while (!text.empty()) {
    const std::optional<double> value = take_double(text);
    if (!value || *value < 0) return std::nullopt;
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                    [&](const auto& u) { return text.starts_with(u.first); });
    if (unit == kUnits.end()) return std::nullopt;
    total_ms += *value * static_cast<double>(unit->second);
    text.remove_prefix(unit->first.size());
  }
  const auto rounded = static_cast<DurationMs>(std::llround(total_ms));
  return negative ? -rounded : rounded;
}

std::optional<double> parse_number(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 9> kSuffixes{
      {{"", 1},
       {"B", 1},
       {"kB", 1e3},
       {"MB", 1e6},
       {"GB", 1e9},
       {"KiB", 1024.0},
       {"MiB", 1048576.0},
       {"GiB", 1073741824.0},
       {"TiB", 1099511627776.0}}};
  const std::optional<double> value = take_double(text);
  if (!value) return std::nullopt;
  for (const auto& [suffix, factor] : kSuffixes) {
    if (text == suffix) return *value * factor;
  }
  return std::nullopt;
}

std::optional<Labelled> parse_labelled(std::string_view text) {
  Labelled labelled;
  const std::size_t brace = text.find('{');
  labelled.name = text.substr(0, brace);
  if (labelled.name.empty()) return std::nullopt;
  if (brace == std::string_view::npos) return labelled;
  if (!text.ends_with('}')) return std::nullopt;
  std::string_view rest = text.substr(brace + 1, text.size() - brace - 2);
  while (!rest.empty()) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    const bool quoted = rest.starts_with('"');
    const std::size_t end = quoted ? rest.find('"', 1) : rest.find(',');
    if (quoted && end == std::string_view::npos) return std::nullopt;
    const std::size_t length = end == std::string_view::npos ? rest.size() : end + (quoted ? 1 : 0);
    labelled.labels[std::string(key)] = unquoted(rest.substr(0, length));
    rest.remove_prefix(length);
    while (!rest.empty() && (rest.front() == ',' || is_blank(rest.front()))) rest.remove_prefix(1);
  }
  return labelled;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + separator.size()));
  }
  return parts;
}

Words::Words(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    if (line[at] == '#') break;
    const std::size_t end = token_end(line, at);
    add(line.substr(at, end - at));
    at = end;
  }
}

void Words::add(std::string_view token) {
  const std::size_t equals = token.find_first_of("={\"");
  if (equals == std::string_view::npos || token[equals] != '=' || equals == 0) {
    words_.push_back(unquoted(token));
    return;
  }
  const std::string key(token.substr(0, equals));
  if (!options_.emplace(key, unquoted(token.substr(equals + 1))).second) fail(key + "= twice");
}

void Words::fail(std::string message) {
  if (error_.empty()) error_ = std::move(message);
}

void Words::finish() {
  if (!words_.empty()) fail("did not expect \"" + words_.front() + "\"");
  if (!options_.empty()) fail("did not expect " + options_.begin()->first + "=");
}

std::string Words::word(std::string_view what) {
  if (words_.empty()) {
    fail("expected " + std::string(what));
    return "";
  }
  std::string front = std::move(words_.front());
  words_.erase(words_.begin());
  return front;
}

bool Words::accept(std::string_view word) {
  if (words_.empty() || words_.front() != word) return false;
  words_.erase(words_.begin());
  return true;
}

bool Words::flag(std::string_view word) {
  const auto found = std::find(words_.begin(), words_.end(), word);
  if (found == words_.end()) return false;
  words_.erase(found);
  return true;
}

DurationMs Words::duration_word(std::string_view what) {
  const std::string text = word(what);
  const std::optional<DurationMs> duration = parse_duration(text);
  if (!duration) fail("\"" + text + "\" is not " + std::string(what));
  return duration.value_or(0);
}

std::optional<DurationMs> Words::duration_after(std::string_view word) {
  const auto found = std::find(words_.begin(), words_.end(), word);
  if (found == words_.end()) return std::nullopt;
  const auto value = std::next(found);
  const std::optional<DurationMs> duration =
      value == words_.end() ? std::nullopt : parse_duration(*value);
  if (!duration) {
    fail("expected a duration after \"" + std::string(word) + "\"");
    return std::nullopt;
  }
  words_.erase(found, std::next(value));
  return duration;
}

std::optional<std::string> Words::option(std::string_view key) {
  const auto found = options_.find(key);
  if (found == options_.end()) return std::nullopt;
  std::string value = std::move(found->second);
  options_.erase(found);
  return value;
}

std::string Words::text(std::string_view key, std::string_view fallback) {
  return option(key).value_or(std::string(fallback));
}

DurationMs Words::duration(std::string_view key, DurationMs fallback) {
  return duration(key).value_or(fallback);
}

std::optional<DurationMs> Words::duration(std::string_view key) {
  const std::optional<std::string> value = option(key);
  if (!value) return std::nullopt;
  const std::optional<DurationMs> duration = parse_duration(*value);
  if (!duration) fail(std::string(key) + "=" + *value + " is not a duration");
  return duration;
}

std::optional<double> Words::number(std::string_view key) {
  const std::optional<std::string> value = option(key);
  if (!value) return std::nullopt;
  const std::optional<double> number = parse_number(*value);
  if (!number) fail(std::string(key) + "=" + *value + " is not a number or size");
  return number;
}

int Words::integer(std::string_view key, int fallback) {
  const std::optional<double> value = number(key);
  if (!value) return fallback;
  if (*value != std::floor(*value) || std::abs(*value) > 1e6) {
    fail(std::string(key) + "= must be a whole number");
    return fallback;
  }
  return static_cast<int>(*value);
}

}  // namespace doctor::scenario
