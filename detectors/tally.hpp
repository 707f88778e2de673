// Keeps count of which jobs a detector could judge, and turns that into the state of its verdict.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {

class Tally {
 public:
  // Where `same_until` can be given, that is how long the same is said of this job, as long as
  // nothing new is told (Verdict::same_until).
  void judged() { calm(0); }
  void calm(TimestampMs until) {
    ++judged_;
    same_until_ = std::min(same_until_, until);
  }
  void judged(Finding finding, TimestampMs same_until = 0) {
    calm(same_until);
    verdict_.add(std::move(finding));
  }
  /// Not enough seen of this job yet; time alone cures it.
  void learning(const JobFacts& job, const std::string& why, TimestampMs same_until = 0) {
    ++learning_;
    leave_out(job, why);
    same_until_ = std::min(same_until_, same_until);
  }
  /// Something is missing that time does not bring.
  void blind(const JobFacts& job, const std::string& why,
             const std::vector<std::string>& enable = {}) {
    ++blind_;
    leave_out(job, why);
    same_until_ = 0;
    for (const std::string& line : enable) {
      if (seen_.insert(line).second) verdict_.enable.push_back(line);
    }
  }
  /// The next sample may complete what speaks for a fault (Verdict::near).
  void near() { verdict_.near = true; }
  /// Not judged now, without a word: what was said before stays.
  void keep(const JobFacts& job, TimestampMs same_until = 0) {
    verdict_.unjudged.push_back(job.name);
    same_until_ = std::min(same_until_, same_until);
  }

  /// Firing if anything fires; ok if any job could be judged or there is none; else learning or
  /// blind.
  Verdict finish() && {
    if (verdict_.findings.empty() && judged_ == 0) {
      if (learning_ > 0) verdict_.state = DetectorState::learning;
      if (learning_ == 0 && blind_ > 0) verdict_.state = DetectorState::blind;
    }
    verdict_.why = std::move(why_);
    verdict_.same_until = same_until_;
    if (const std::size_t left_out = learning_ + blind_; left_out > kNamedMax) {
      verdict_.why += "; and " + std::to_string(left_out - kNamedMax) + " more jobs";
    }
    return std::move(verdict_);
  }

 private:
  static constexpr std::size_t kNamedMax = 3;

  void leave_out(const JobFacts& job, const std::string& why) {
    verdict_.unjudged.push_back(job.name);
    if (learning_ + blind_ > kNamedMax) return;
    if (!why_.empty()) why_ += "; ";
    why_ += printable(job.name, 60) + ": " + why;
  }

  Verdict verdict_;
  std::string why_;
  std::set<std::string> seen_;
  TimestampMs same_until_{kForEver};
  std::size_t judged_{0};
  std::size_t learning_{0};
  std::size_t blind_{0};
};

/// Whether it is a job for detectors of what streams: it lives, and is no batch.
inline bool streams(const JobFacts& job) { return !job.is_terminal() && job.type != "BATCH"; }

/// The verdict of `judge(job, tally)` on each job that streams.
template <class Judge>
Verdict judge_streams(const Window& window, Judge judge) {
  Tally tally;
  for (const JobFactsPtr& job : window.jobs) {
    if (streams(*job)) judge(*job, tally);
  }
  return std::move(tally).finish();
}

}  // namespace doctor
