// What is not seen since it is beyond a limit, in sentences; empty where all is.
#pragma once

#include <string>

#include "model/series_limit.hpp"
#include "model/source.hpp"

namespace doctor {

/// "12 series over the limit … are not seen; …", of the last scrape.
std::string unseen_sentence(const SourceHealth& source);

/// "12 samples found no room, the last at …: WHOSE more than the … series
/// that are kept WAY_OUT".
std::string unseen_sentence(const SeriesLimit& limit, const std::string& whose,
                            const std::string& way_out);

}  // namespace doctor
