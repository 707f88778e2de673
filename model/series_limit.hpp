// SeriesLimit: what a limit on kept series has left out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/time.hpp"

namespace doctor {

struct SeriesLimit {
  std::size_t series_max{};
  /// Every sample of a series that found no room, so this goes on while there is none.
  std::uint64_t samples_dropped{};
  TimestampMs last_dropped{};
};

}  // namespace doctor
