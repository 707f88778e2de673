// Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go. "1E" is an exabyte, "1E3" a thousand.
#include "collectors/kubernetes/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace doctor::kubernetes {
namespace {

constexpr std::size_t kTextBytesMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The power of ten of a decimal suffix.
std::optional<int> decimal_exponent(std::string_view suffix) {
  constexpr std::pair<std::string_view, int> kSuffixes[] = {
      {"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
      {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
  for (const auto& [name, exponent] : kSuffixes) {
    if (suffix == name) return exponent;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix[0] == '+') suffix.remove_prefix(1);
  int exponent = 0;
  const char* const end = suffix.data() + suffix.size();
  const auto [stop, fault] = std::from_chars(suffix.data(), end, exponent);
  if (fault != std::errc{} || stop != end || std::abs(exponent) > 30) return std::nullopt;
  return exponent;
}

/// The power of two of a binary suffix; 0 for all others.
int binary_exponent(std::string_view suffix) {
  if (suffix.size() != 2 || suffix[1] != 'i') return 0;
  const std::size_t step = std::string_view("KMGTPE").find(suffix[0]);
  return step == std::string_view::npos ? 0 : 10 * (static_cast<int>(step) + 1);
}

}  // namespace

std::optional<double> parse_quantity(std::string_view text) {
  if (text.size() > kTextBytesMax) return std::nullopt;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto no_digit =
      std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  const auto length = static_cast<std::size_t>(no_digit - text.begin());
  std::string number(text.substr(0, length));
  const std::string_view suffix = text.substr(length);
  const bool any_digit = std::any_of(number.begin(), number.end(), is_digit);
  if (!any_digit || std::count(number.begin(), number.end(), '.') > 1) return std::nullopt;
  const int power_of_two = binary_exponent(suffix);
  if (power_of_two == 0) {
    const std::optional<int> power_of_ten = decimal_exponent(suffix);
    if (!power_of_ten) return std::nullopt;
    number += "e" + std::to_string(*power_of_ten);  // rounded once, by the parser of numbers
  }
  double value = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, fault] = std::from_chars(number.data(), end, value);
  if (fault != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return std::ldexp(value, power_of_two);
}

}  // namespace doctor::kubernetes
