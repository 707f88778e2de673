// Times as Kubernetes writes them: RFC 3339 in UTC.
#include <chrono>

#include "collectors/kubernetes/parse.hpp"

namespace doctor::kubernetes {
namespace {

/// Exactly `text`, digits only.
std::optional<int> number(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::optional<TimestampMs> parse_time(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kShape.size() || text.size() > 40 || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] != 'd' && kShape[i] != text[i]) return std::nullopt;
  }
  const auto year = number(text.substr(0, 4)), month = number(text.substr(5, 2)),
             day = number(text.substr(8, 2)), hour = number(text.substr(11, 2)),
             minute = number(text.substr(14, 2)), second = number(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::string_view fraction = text.substr(kShape.size());
  fraction.remove_suffix(1);
  std::optional<int> millis = 0;
  if (!fraction.empty()) {
    if (fraction.front() != '.' || fraction.size() < 2) return std::nullopt;
    std::string three(fraction.substr(1, 3));
    three.resize(3, '0');
    millis = number(three);
    if (!millis) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const TimestampMs days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * kDayMs + *hour * kHourMs + *minute * kMinuteMs + *second * kSecondMs + *millis;
}

}  // namespace doctor::kubernetes
