// The request line's target: path decoded and judged, query left raw. No network, no files.
#pragma once

#include <string>
#include <string_view>

namespace doctor {

struct RequestTarget {
  int refusal{0};  // 0, 400 (cannot be decoded) or 404 (a path that nobody serves on purpose)
  std::string path;
  std::string query;
};

/// Origin form only ("/path?query"). Dots and slashes are judged after decoding, so "%2e%2e" and
/// "%2f" gain nothing.
RequestTarget decode_target(std::string_view target);

}  // namespace doctor
