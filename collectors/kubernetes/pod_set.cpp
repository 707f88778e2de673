#include "collectors/kubernetes/pod_set.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace doctor::kubernetes {
namespace {

bool knows(const ContainerFacts* container, const Termination& end) {
  return container != nullptr && (container->ended == end || container->last_termination == end);
}

bool is_evicted(const PodFacts& pod) {
  constexpr std::array<std::string_view, 5> kReasons{"Evicted", "Preempting", "NodeLost",
                                                     "NodeShutdown", "Terminated"};
  return std::find(kReasons.begin(), kReasons.end(), pod.reason) != kReasons.end() ||
         !pod.disruption.empty();
}

class Changes {
 public:
  Changes(const PodFacts& pod, SourceId source, TimestampMs now)
      : pod_(pod), source_(source), now_(now) {}
  void add(EventKind kind, const std::string& text) {
    Event event;
    event.kind = kind;
    event.at = now_;
    event.source = source_;
    event.subject = pod_.name;
    event.text = "pod " + pod_.full_name() + ": " + text;
    events.push_back(std::move(event));
  }
  std::vector<Event> events;

 private:
  const PodFacts& pod_;
  SourceId source_;
  TimestampMs now_;
};

void container_changes(const ContainerFacts* before, const ContainerFacts& after,
                       const PodFacts& pod, Changes& changes) {
  bool told = false;
  for (const auto* end : {&after.last_termination, &after.ended}) {
    if (!*end || knows(before, **end)) continue;
    told = true;
    if (!pod.failed_by(**end)) continue;
    const EventKind kind =
        (*end)->oom_killed() ? EventKind::pod_oom_killed : EventKind::container_died;
    changes.add(kind, describe(after, **end));
  }
  // A death that nobody described: the restart alone shows it.
  const bool restarted = before != nullptr && before->restarts && after.restarts &&
                         *after.restarts > *before->restarts;
  if (!restarted) return;
  const bool known_end = told || before->ended.has_value();
  if (!known_end || (after.last_termination && after.last_termination->exit_code == 0)) {
    changes.add(EventKind::container_restarted, "container " + after.name + " was restarted, " +
                                                    std::to_string(*after.restarts) +
                                                    " times so far");
  }
}

}  // namespace

std::vector<Event> pod_changes(const PodFacts* before, const PodFacts& after, SourceId source,
                               TimestampMs now) {
  if (before == nullptr) return {};
  Changes changes(after, source, now);
  for (const ContainerFacts& container : after.containers) {
    container_changes(before->container(container.name), container, after, changes);
  }
  if (is_evicted(after) && !is_evicted(*before)) {
    const std::string& why = after.disruption.empty() ? after.reason : after.disruption;
    changes.add(EventKind::pod_evicted,
                "evicted (" + why + ")" + (after.node.empty() ? "" : " from " + after.node));
  }
  return std::move(changes.events);
}

std::vector<Event> PodSet::replace(std::vector<PodFacts> listed, TimestampMs now) {
  std::vector<Event> events;
  std::set<std::string> names;
  left_out_ = 0;
  for (const PodFacts& pod : listed) names.insert(pod.full_name());
  for (auto it = pods_.begin(); it != pods_.end();) {
    const PodFactsPtr pod = it->second;
    const bool lives = names.contains(it->first);
    it = lives ? std::next(it) : pods_.erase(it);
    if (!lives) bury(pod, now, events);
  }
  for (PodFacts& pod : listed) put(std::move(pod), now, events);
  if (!std::exchange(known_, true)) events.clear();
  return events;
}

std::vector<Event> PodSet::apply(const WatchLine& line, TimestampMs now) {
  std::vector<Event> events;
  if (line.kind == WatchLine::Kind::deleted) {
    const auto found = pods_.find(line.pod.full_name());
    if (found == pods_.end()) return events;
    // The last state comes with the deletion, and may be the only one to tell of a death.
    put(line.pod, now, events);
    const PodFactsPtr pod = found->second;
    pods_.erase(found);
    bury(pod, now, events);
  } else {
    put(line.pod, now, events);
  }
  return events;
}

void PodSet::put(PodFacts pod, TimestampMs now, std::vector<Event>& events) {
  std::string name = pod.full_name();
  const auto found = pods_.find(name);
  if (found == pods_.end()) {
    if (pods_.size() >= limits_.pods_max) {
      ++left_out_;
      return;
    }
    pods_.emplace(std::move(name), std::make_shared<const PodFacts>(std::move(pod)));
    return;
  }
  const PodFactsPtr before = found->second;
  if (*before == pod) return;
  if (before->uid != pod.uid) {
    bury(before, now, events);  // one of the same name took its place
  } else {
    std::vector<Event> more = pod_changes(before.get(), pod, source_, now);
    std::move(more.begin(), more.end(), std::back_inserter(events));
  }
  found->second = std::make_shared<const PodFacts>(std::move(pod));
}

void PodSet::bury(const PodFactsPtr& pod, TimestampMs now, std::vector<Event>& events) {
  gone_.push_back({pod, now});
  while (gone_.size() > limits_.pods_gone_max) gone_.pop_front();
  const bool over = pod->phase == "Succeeded" || pod->phase == "Failed";
  if (over) return;
  Changes changes(*pod, source_, now);
  changes.add(EventKind::pod_deleted,
              pod->deleting_at ? "deleted" : "went away without notice while " + pod->phase);
  std::move(changes.events.begin(), changes.events.end(), std::back_inserter(events));
}

KubernetesFacts PodSet::facts() const {
  KubernetesFacts facts;
  facts.source = source_;
  facts.pods.reserve(pods_.size());
  for (const auto& [name, pod] : pods_) facts.pods.push_back(pod);
  facts.gone.assign(gone_.begin(), gone_.end());
  facts.pods_left_out = left_out_;
  return facts;
}

}  // namespace doctor::kubernetes
