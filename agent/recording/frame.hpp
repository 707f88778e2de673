// Frames: the pieces a recording is written in, each compressed for itself and with a checksum, so
// that what is cut off or damaged is noticed before a byte of it is believed.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>

#include "model/result.hpp"

namespace doctor {

struct Frame {
  std::string bytes;  // of records, not compressed
  std::uint8_t flags{};
};

/// Magic and version, the first bytes of a file.
std::string pack_head();
std::string pack_frame(const Frame& frame);

/// invalid_argument: no recording, or one of a newer version; truncated: the file ends before.
Status read_head(std::istream& file);
/// Nothing at the end of the file; truncated or malformed where it is damaged.
Result<std::optional<Frame>> read_frame(std::istream& file);

}  // namespace doctor
