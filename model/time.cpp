#include "model/time.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace doctor {

std::string format_rfc3339(TimestampMs at) {
  TimestampMs seconds = at / kSecondMs;
  TimestampMs milliseconds = at % kSecondMs;
  if (milliseconds < 0) {
    milliseconds += kSecondMs;
    --seconds;
  }
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  if (gmtime_r(&time, &utc) == nullptr) return "1970-01-01T00:00:00.000Z";
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(milliseconds));
  return text.data();
}

}  // namespace doctor
