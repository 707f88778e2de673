#include "collectors/exposition/value.hpp"

#include <algorithm>
#include <array>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

namespace doctor::exposition {
namespace {

constexpr std::array<double, 23> kPowersOfTen{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kPowerMax = 22;  // 10^22 is the last that a double holds exactly
constexpr int kDigitsMax = 18;
constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool negative = text.front() == '-';
  text.remove_prefix(1);
  return negative;
}

int take_digits(std::string_view& text, std::uint64_t& number) {
  std::size_t digits = 0;
  while (digits < text.size() && digits <= kDigitsMax && is_digit(text[digits])) {
    number = number * 10 + static_cast<std::uint64_t>(text[digits] - '0');
    ++digits;
  }
  text.remove_prefix(digits);
  return static_cast<int>(digits);
}

/// Most values are short: when the digits and the power of ten are both exact doubles, one
/// operation on them is rounded correctly (Clinger, PLDI '90). Nothing when they are not, or for
/// other texts.
std::optional<double> short_decimal(std::string_view text) {
  if constexpr (FLT_EVAL_METHOD != 0) return std::nullopt;  // x87 would round twice
  const bool negative = take_sign(text);
  std::uint64_t mantissa = 0;
  int digits = take_digits(text, mantissa);
  if (digits > kDigitsMax) return std::nullopt;
  int power = 0;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    power = -take_digits(text, mantissa);
    digits -= power;
  }
  if (digits == 0 || digits > kDigitsMax || mantissa > kExactMax) return std::nullopt;
  if (!text.empty() && (text.front() == 'E' || text.front() == 'e')) {
    text.remove_prefix(1);
    const bool small = take_sign(text);
    std::uint64_t exponent = 0;
    const int exponent_digits = take_digits(text, exponent);
    if (exponent_digits == 0 || exponent_digits > 2) return std::nullopt;
    power += small ? -static_cast<int>(exponent) : static_cast<int>(exponent);
  }
  if (!text.empty() || power > kPowerMax || power < -kPowerMax) return std::nullopt;
  const auto exact = static_cast<double>(mantissa);
  const double value = power < 0 ? exact / kPowersOfTen[static_cast<std::size_t>(-power)]
                                 : exact * kPowersOfTen[static_cast<std::size_t>(power)];
  return negative ? -value : value;
}

/// `lower` is in lower case.
bool is_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char c, char l) {
    return c == l || (c >= 'A' && c <= 'Z' && c - 'A' == l - 'a');
  });
}

std::optional<double> word(std::string_view text) {
  if (is_word(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  const bool negative = take_sign(text);
  if (!is_word(text, "inf") && !is_word(text, "infinity")) return std::nullopt;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return negative ? -kInfinity : kInfinity;
}

}  // namespace

std::optional<double> parse_value(std::string_view text) {
  if (text == "0.0") return 0.0;  // as Flink writes most values
  if (const auto value = short_decimal(text)) return value;
  if (const auto value = word(text)) return value;
  std::string_view number = text;
  if (!number.empty() && number.front() == '+') number.remove_prefix(1);
  // from_chars would also take "inf", "nan(…)"; and after '+' a second sign.
  std::string_view digits = number;
  if (digits.size() == text.size() && !digits.empty() && digits.front() == '-')
    digits.remove_prefix(1);
  const bool numeric = !digits.empty() && (is_digit(digits.front()) || digits.front() == '.');
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (!numeric || end != number.data() + number.size()) return std::nullopt;
  // Too large or too small: it does not say which. Nobody sets a locale, so that '.' is strtod's
  // too.
  if (error != std::errc{}) value = std::strtod(std::string(number).c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace doctor::exposition
