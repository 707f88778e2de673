// What a source does not show although it answers, in a sentence.
#pragma once

#include <string>

#include "model/source.hpp"

namespace doctor {

/// "12 series over the limit … are not seen; …"; empty when the last scrape dropped none.
std::string unseen_sentence(const SourceHealth& source);

}  // namespace doctor
