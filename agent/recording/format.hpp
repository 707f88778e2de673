// The format's numbers: what stands at the head of a file, and the bounds that writers keep to and
// readers insist on. README.md beside this file describes the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace doctor::format {

inline constexpr std::string_view kMagic{
    "\x89"
    "FDREC\r\n",
    8};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeadBytes = kMagic.size() + 4;
inline constexpr std::size_t kFrameHeadBytes = 9;  // length, CRC-32, flags

enum FrameFlag : std::uint8_t {
  kFresh = 1,  // the reader forgets all texts, shared values and columns before it
  kLast = 2    // the file was closed after it
};

/// Of one frame, inflated or not.
inline constexpr std::size_t kFrameBytesMax = 32U << 20U;
/// A frame is ended when it has grown past this, or is older than that.
inline constexpr std::size_t kFrameBytesWanted = 256U << 10U;
inline constexpr std::int64_t kFrameAgeMaxMs = 5000;

/// In place of the name of a metric of the user's own: no detector reads it, and its name is
/// theirs.
inline constexpr std::string_view kUserMetric{"user"};

/// Longer texts are written out each time.
inline constexpr std::size_t kTextKeptBytesMax = 256;
/// The writer starts afresh when it holds more than these after a frame.
inline constexpr std::size_t kTextsMax = 1U << 15U;
inline constexpr std::size_t kSharedBytesMax = 4U << 20U;
inline constexpr std::size_t kColumnsMax = 10'000;

/// What the values of one frame may take in memory, and what may stay of all frames since the last
/// fresh one: no honest writer comes near.
inline constexpr std::size_t kDecodedBytesMax = 512U << 20U;
inline constexpr std::size_t kRetainedBytesMax = 512U << 20U;
inline constexpr std::size_t kClustersMax = 1000;

}  // namespace doctor::format
