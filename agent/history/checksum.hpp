// CRC-32C over what is kept on disk: SQLite does not notice a flipped byte in a payload.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace doctor {

/// Of the parts as if they stood one behind the other.
std::int64_t crc32c(std::initializer_list<std::string_view> parts);

}  // namespace doctor
