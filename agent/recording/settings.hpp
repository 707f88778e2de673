// What the user asks of a recording.
#pragma once

#include <cstdint>
#include <string>

namespace doctor {

struct RecordSettings {
  static constexpr std::uint64_t kBytesMin = 1U << 20U;
  static constexpr int kFilesLimit = 1000;

  std::string file;                     // the newest; older ones are file.1, file.2, …
  std::uint64_t bytes_max{64U << 20U};  // of one file, on disk; five seconds may pass it
  int files_max{4};                     // the oldest is dropped beyond
  bool redact{false};                   // names and texts become pseudonyms
};

}  // namespace doctor
