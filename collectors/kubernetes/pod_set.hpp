// The pods of one watch, and what happened to them: a fold over pages and lines, without a clock.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "collectors/kubernetes/parse.hpp"
#include "model/event.hpp"
#include "model/limits.hpp"
#include "model/pod.hpp"

namespace doctor::kubernetes {

/// What happened between two looks at one pod. `before` null: it is new, and what it remembers of
/// earlier runs is no news.
std::vector<Event> pod_changes(const PodFacts* before, const PodFacts& after, SourceId source,
                               TimestampMs now);

class PodSet {
 public:
  PodSet(SourceId source, const Limits& limits) : source_(source), limits_(limits) {}

  /// A whole list, which replaces all; who is not in it went away unseen.
  std::vector<Event> replace(std::vector<PodFacts> listed, TimestampMs now);
  /// A line of a watch that is about a pod.
  std::vector<Event> apply(const WatchLine& line, TimestampMs now);

  bool known() const { return known_; }
  std::size_t size() const { return pods_.size(); }
  /// Cheap: pods are shared.
  KubernetesFacts facts() const;

 private:
  void put(PodFacts pod, TimestampMs now, std::vector<Event>& events);
  void bury(const PodFactsPtr& pod, TimestampMs now, std::vector<Event>& events);

  SourceId source_;
  const Limits& limits_;
  bool known_{false};                        // the first list is a baseline: it is no news
  std::map<std::string, PodFactsPtr> pods_;  // by full name
  std::deque<GonePod> gone_;
  std::size_t left_out_{0};
};

}  // namespace doctor::kubernetes
