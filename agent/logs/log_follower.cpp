#include "agent/logs/log_follower.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

// A file that appears waits at most so long; those that are followed are looked at every round.
constexpr DurationMs kListEveryMs = 10 * kSecondMs;

}  // namespace

LogFollower::LogFollower(std::string glob, const Limits& limits)
    : glob_(std::move(glob)), limits_(limits) {}

LogRound LogFollower::round(TimestampMs now) {
  LogRound round;
  if (!listed_at_ || now - *listed_at_ >= kListEveryMs) list(now, round);
  if (listing_fault_) round.fault = listing_fault_;
  reading_.files = 0;
  for (auto& [path, tail] : tails_) {
    add(tail.round(budget(), now), round);
    if (tail.is_open()) ++reading_.files;
    if (tail.is_open()) reading_.processes.emplace(to_string(tail.process()));
  }
  if (reading_.files == 0 && !round.fault) {
    round.fault = Error{ErrorCode::gone, "no file matches " + printable(glob_, 400)};
  }
  round.reading = reading_;
  round.bytes = bytes_;
  return round;
}

/// Of more files than may be followed, those written last. One that was listed before is old even
/// when it was not followed: what it holds is no news.
void LogFollower::list(TimestampMs now, LogRound& round) {
  GlobFound found = find_files(glob_, limits_.log_entries_max);
  const bool first = !listed_at_;
  listing_fault_ = found.fault;
  // A directory that cannot be read shows no files; that does not make its files new ones later.
  if (!first || !found.fault || !found.paths.empty()) listed_at_ = now;
  const std::set<std::string> all(found.paths.begin(), found.paths.end());
  reading_.files_left_out = 0;
  if (found.paths.size() > limits_.log_files_max) {
    reading_.files_left_out = found.paths.size() - limits_.log_files_max;
    found.paths.resize(limits_.log_files_max);
  }
  const std::set<std::string> wanted(found.paths.begin(), found.paths.end());
  for (auto tail = tails_.begin(); tail != tails_.end();) {
    const bool unseen = found.fault && !all.contains(tail->first);
    if (wanted.contains(tail->first) || unseen) {
      ++tail;
      continue;
    }
    add(tail->second.end(budget(), now), round);
    tail = tails_.erase(tail);
  }
  for (const std::string& path : found.paths) {
    tails_.try_emplace(path, path, first || listed_.contains(path), limits_);
  }
  listed_ = all;
}

void LogFollower::add(FileTail::Outcome outcome, LogRound& round) {
  std::move(outcome.events.begin(), outcome.events.end(), std::back_inserter(round.events));
  bytes_ += outcome.bytes;
  reading_.bytes_skipped += outcome.bytes_skipped;
  reading_.lines += outcome.lines;
  reading_.lines_cut += outcome.lines_cut;
  if (outcome.fault && !round.fault) round.fault = std::move(outcome.fault);
}

std::size_t LogFollower::budget() const {
  return std::max<std::size_t>(
      1, limits_.log_round_bytes_max / std::max<std::size_t>(1, tails_.size()));
}

}  // namespace doctor
