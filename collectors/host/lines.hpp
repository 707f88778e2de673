// Small steps through the kernel's text files: lines, words, whole numbers, "Key:  12 kB".
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace doctor::host {

/// Cuts the next line off `text`; call while it is not empty.
inline std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Words between blanks; at most `words_max`, the rest is not looked at.
inline std::vector<std::string_view> words(std::string_view text, std::size_t words_max = 64) {
  constexpr std::string_view kBlank = " \t\r\n";
  std::vector<std::string_view> found;
  while (found.size() < words_max) {
    const std::size_t begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(kBlank, begin), text.size());
    found.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  return found;
}

/// The whole text as a number that fits; no sign, no blanks.
template <class T = std::uint64_t>
std::optional<T> whole(std::string_view text, int base = 10) {
  T value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

/// The words after `key` in the first line that begins with it: of "VmRSS:  12 kB" {"12", "kB"}.
inline std::vector<std::string_view> words_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::vector<std::string_view> all = words(line);
    if (!all.empty() && all.front() == key) return {all.begin() + 1, all.end()};
  }
  return {};
}

/// "Key: 12 kB" in bytes (proc(5) writes kB for KiB); absent when not exactly so, or cut short.
inline std::optional<std::uint64_t> kib_after(std::string_view text, std::string_view key) {
  const auto rest = words_after(text, key);
  if (rest.size() != 2 || rest[1] != "kB") return {};
  const auto value = whole(rest[0]);
  if (!value || *value > (UINT64_MAX >> 10U)) return {};
  return *value << 10U;
}

/// "key 12", as in memory.events.
inline std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  const auto rest = words_after(text, key);
  return rest.size() == 1 ? whole(rest[0]) : std::nullopt;
}

}  // namespace doctor::host
