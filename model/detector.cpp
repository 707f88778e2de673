#include "model/detector.hpp"

#include <algorithm>
#include <cassert>

namespace doctor {

double Params::operator[](std::string_view name) const {
  const auto declared = std::find_if(defaults_.begin(), defaults_.end(),
                                     [&](const Param& param) { return param.name == name; });
  assert(declared != defaults_.end() && "a detector used a parameter that it did not declare");
  if (overrides_ != nullptr) {
    if (const auto set = overrides_->find(std::string(name)); set != overrides_->end()) {
      return set->second;
    }
  }
  return declared->value;
}

Verdict Verdict::blind(std::string why, std::vector<std::string> enable) {
  Verdict verdict;
  verdict.state = DetectorState::blind;
  verdict.why = std::move(why);
  verdict.enable = std::move(enable);
  return verdict;
}

Verdict Verdict::learning(std::string why) {
  Verdict verdict;
  verdict.state = DetectorState::learning;
  verdict.why = std::move(why);
  return verdict;
}

bool judges_metrics_alone(const Detector& detector) {
  const auto is_required = [](const Read& read) { return read.required; };
  const auto is_of_processes = [&](const Read& read) {
    const Level level = info(read.metric).level;
    return !is_required(read) || level == Level::process || level == Level::collector;
  };
  return std::any_of(detector.reads.begin(), detector.reads.end(), is_required) &&
         std::all_of(detector.reads.begin(), detector.reads.end(), is_of_processes);
}

void Verdict::add(Finding finding) {
  state = DetectorState::firing;
  findings.push_back(std::move(finding));
}

}  // namespace doctor
