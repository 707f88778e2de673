// Text that came from a cluster is hostile: cut, cleaned and escaped here before a person, a
// terminal, a log or an alert sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace doctor {

/// Valid UTF-8 without control characters (terminal escapes, CR, LF, NUL become spaces), at most
/// `bytes_max` bytes; a cut is marked with "…".
std::string printable(std::string_view text, std::size_t bytes_max = 200);

/// What Flink's Prometheus reporter does to label values (PrometheusReporter.java,
/// CHARACTER_FILTER): every character outside [a-zA-Z0-9:_] becomes '_'. REST names meet reporter
/// names through this.
std::string reporter_filtered(std::string_view text);

/// "1.5 GiB", "312 MiB", "17 B".
std::string format_bytes(double bytes);

/// "3 d 4 h", "12 min", "45 s", "300 ms".
std::string format_duration_ms(double duration_ms);

/// At most `digits` significant decimals, no trailing zeros.
std::string format_number(double value, int digits = 3);

}  // namespace doctor
