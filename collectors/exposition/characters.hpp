// Characters and words of the text format.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace doctor::exposition {

enum CharacterClass : unsigned char { kOther = 0, kLetter = 1, kDigit = 2, kColon = 4, kBlank = 8 };

inline constexpr auto kCharacterClasses = [] {
  std::array<unsigned char, 256> classes{};
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = kLetter;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] = kLetter;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  classes['_'] = kLetter;
  classes[':'] = kColon;
  classes[' '] = classes['\t'] = kBlank;
  return classes;
}();

inline bool is_of(char c, unsigned classes) {
  return (kCharacterClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

inline void skip_blanks(std::string_view& text) {
  std::size_t blanks = 0;
  while (blanks < text.size() && is_of(text.data()[blanks], kBlank)) ++blanks;
  text.remove_prefix(blanks);
}

/// Takes what comes before the next blank off the front.
inline std::string_view take_word(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && !is_of(text.data()[length], kBlank)) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

/// Takes [a-zA-Z_][a-zA-Z0-9_]* off the front, in metric names with ':' as a letter; empty when
/// there is none.
inline std::string_view take_name(std::string_view& text, bool colons) {
  const unsigned first = colons ? kLetter | kColon : kLetter;
  std::size_t length = 0;
  if (!text.empty() && is_of(text.front(), first)) {
    while (length < text.size() && is_of(text.data()[length], first | kDigit)) ++length;
  }
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

/// Whether a metric name ends where `rest` begins.
inline bool ends_name(std::string_view rest) {
  return rest.empty() || rest.front() == '{' || is_of(rest.front(), kBlank);
}

}  // namespace doctor::exposition
