// What Flink writes into its log while it starts and tells nowhere else: the TaskManager's id and
// the blob server's port. Flink 1.13 to 2.3; only the first bytes of the file are looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doctor::host {

inline constexpr std::size_t kLogHeadBytes = 128U << 10U;

struct LogHead {
  std::string tm_id;  // "Starting TaskManager with ResourceID: 10.0.0.7:41251-8c5a02"
  std::optional<std::uint16_t> blob_port;  // "Started BLOB server at 0.0.0.0:41251 - max …"
};
/// Of several starts in one file the last.
LogHead parse_log_head(std::string_view text);

}  // namespace doctor::host
