// Evidence that is a sentence, without a figure of its own.
#pragma once

#include <string>
#include <utility>

#include "model/finding.hpp"

namespace doctor {

inline Evidence said(std::string metric, std::string sentence) {
  Evidence evidence;
  evidence.metric = std::move(metric);
  evidence.sentence = std::move(sentence);
  return evidence;
}

}  // namespace doctor
