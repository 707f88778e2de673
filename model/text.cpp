#include "model/text.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "model/reporter_name.hpp"

namespace doctor {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the valid UTF-8 sequence at the start of `text`, 0 when it is invalid.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const std::uint8_t second = byte(1);
  if (lead == 0xE0 && second < 0xA0) return 0;  // overlong
  if (lead == 0xED && second > 0x9F) return 0;  // surrogates
  if (lead == 0xF0 && second < 0x90) return 0;  // overlong
  if (lead == 0xF4 && second > 0x8F) return 0;  // beyond U+10FFFF
  return length;
}

/// Control characters, and the C1 set and bidirectional overrides that can deceive a reader.
bool is_control(std::string_view sequence) {
  if (sequence.size() == 1) {
    const auto c = static_cast<std::uint8_t>(sequence[0]);
    return c < 0x20 || c == 0x7F;
  }
  if (sequence.size() == 2)
    return sequence[0] == '\xC2' && static_cast<std::uint8_t>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  const auto second = static_cast<std::uint8_t>(sequence[1]);
  const auto third = static_cast<std::uint8_t>(sequence[2]);
  const bool line_or_bidi = second == 0x80 && third >= 0xA8 && third <= 0xAE;
  const bool isolates = second == 0x81 && third >= 0xA6 && third <= 0xA9;
  return line_or_bidi || isolates;
}

std::string format_scaled(double value, const char* unit) {
  std::array<char, 48> text{};
  const double magnitude = std::abs(value);
  const char* pattern = magnitude >= 100 || value == std::floor(value) ? "%.0f %s" : "%.1f %s";
  std::snprintf(text.data(), text.size(), pattern, value, unit);
  return text.data();
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  clean.reserve(std::min(text.size(), bytes_max) + kEllipsis.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    std::string_view piece = length == 0 ? kReplacement : text.substr(0, length);
    if (is_control(piece)) piece = " ";
    if (clean.size() + piece.size() > bytes_max) return clean.append(kEllipsis);
    clean.append(piece);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

std::string reporter_filtered(std::string_view text) {
  std::string filtered(text);
  for (char& c : filtered) c = reporter_filtered(c);
  return filtered;
}

std::string format_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "unknown";
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return format_scaled(unit == 0 ? std::round(bytes) : bytes, kUnits[unit]);
}

std::string format_duration_ms(double duration_ms) {
  if (!std::isfinite(duration_ms)) return "unknown";
  const double seconds = duration_ms / 1000;
  if (seconds < 1) return format_scaled(std::round(duration_ms), "ms");
  if (seconds < 120) return format_scaled(std::round(seconds * 10) / 10, "s");
  const double minutes = seconds / 60;
  if (minutes < 120) return format_scaled(std::round(minutes * 10) / 10, "min");
  const auto two_units = [](double small, double per_large, const char* large_unit,
                            const char* small_unit) {
    const auto whole = static_cast<std::int64_t>(std::llround(small));
    const auto per = static_cast<std::int64_t>(per_large);
    std::string text = std::to_string(whole / per) + " " + large_unit;
    if (whole % per != 0) text += " " + std::to_string(whole % per) + " " + small_unit;
    return text;
  };
  const double hours = minutes / 60;
  if (hours < 48) return two_units(minutes, 60, "h", "min");
  if (hours / 24 > 36'500) return "more than a century";
  return two_units(hours, 24, "d", "h");
}

std::string format_number(double value, int digits) {
  if (!std::isfinite(value)) return "unknown";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  // "%g" turns 23 into "2e+01" for one digit, and 99.7 into "1e+02" for two: whole numbers instead.
  const double magnitude = std::abs(value);
  const bool exponent = std::string_view(text.data()).find('e') != std::string_view::npos;
  if ((exponent || magnitude >= std::pow(10, digits)) && magnitude >= 1 && magnitude < 1e15) {
    std::snprintf(text.data(), text.size(), "%.0f", value);
  }
  return text.data();
}

}  // namespace doctor
